//! Parts of lists. Handlers compute every address, so that a list's state is in the URL and nowhere else.

use serde::Serialize;

/// A filter shown as a chip that opens a short list of links.
#[derive(Clone, Debug, Serialize)]
pub struct Filter {
    /// The word on the chip, for instance "Status".
    pub label: String,
    /// What it is set to; none when it lets everything through.
    pub value: Option<String>,
    /// Where it is unset.
    pub clear_href: String,
    pub options: Vec<FilterOption>,
}

#[derive(Clone, Debug, Serialize)]
pub struct FilterOption {
    pub label: String,
    pub href: String,
    pub selected: bool,
}

/// The search field of a list: a GET form that keeps the other filters.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Search {
    pub action: String,
    pub q: String,
    /// The other filters, as hidden fields.
    pub keep: Vec<(String, String)>,
}

/// Keyset paging: there is no page number, only "from here on".
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pager {
    /// Back to the top of the list; none when we are there.
    pub first_href: Option<String>,
    /// The next, older rows; none at the end.
    pub next_href: Option<String>,
    /// Cheap count of the whole list when there is one; 1000 is shown as "999+".
    pub total: Option<u32>,
}

/// A column that can be ordered by.
#[derive(Clone, Debug, Serialize)]
pub struct SortLink {
    pub key: String,
    pub label: String,
    pub href: String,
    /// `ascending`, `descending` or none: what `aria-sort` says.
    pub direction: Option<String>,
}
