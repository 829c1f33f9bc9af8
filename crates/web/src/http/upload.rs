//! Files on their way to the blob store: streamed, limited, their type told by their content.

use axum::{
    body::Body,
    extract::{FromRequest, Multipart},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
pub use base::files::sniff;
use base::{Error, Kind, Result, files::clean_name};
use desk::tickets::{Attachment, NewAttachment};

use super::{app::App, caller::Caller, extract::Payload};

/// Files of one message at most.
const FILES_MAX: usize = 20;
/// A text field of a multipart form at most.
const FIELD_MAX: usize = 512 * 1024;

/// The fields of a multipart form and its files, which are durable already.
#[derive(Default)]
pub struct Form {
    pub fields: Vec<(String, String)>,
    pub files: Vec<NewAttachment>,
}

impl Form {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    /// Refuses fields nobody knows, naming them.
    pub fn only(&self, known: &[&str]) -> Result<()> {
        match self.fields.iter().find(|(n, _)| !known.contains(&n.as_str())) {
            Some((name, _)) => Err(Error::field(
                name.clone(),
                "request.unknown_field",
                format!("not known here; expected {}", known.join(", ")),
            )),
            None => Ok(()),
        }
    }
}

pub fn is_multipart(payload: &Payload) -> bool {
    payload.content_type().to_ascii_lowercase().starts_with("multipart/form-data")
}

fn broken(e: impl std::fmt::Display) -> Error {
    Error::invalid("request.multipart", format!("the multipart body is broken: {e}"))
}

/// Reads a multipart form; parts with a file name become blobs.
pub async fn read_form(app: &App, caller: &Caller, payload: Payload) -> Result<Form> {
    let mut multipart = Multipart::from_request(payload.0, &()).await.map_err(broken)?;
    let mut form = Form::default();
    while let Some(mut field) = multipart.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if let Some(filename) = field.file_name().map(str::to_owned) {
            // A browser sends an empty part for a file input that was left empty.
            let mut first = field.chunk().await.map_err(broken)?;
            if filename.is_empty() && first.as_ref().is_none_or(|piece| piece.is_empty()) {
                continue;
            }
            if form.files.len() == FILES_MAX {
                return Err(Error::field(name, "attachments.too_many", format!("at most {FILES_MAX} files")));
            }
            let max = caller.tenant.settings.attachment_max_bytes;
            let mut writer = app.outside().blobs.begin(caller.tenant_id()).await?;
            let (mut size, mut head) = (0u64, Vec::new());
            while let Some(piece) = first {
                size += piece.len() as u64;
                if size > max {
                    writer.abort().await;
                    let message = format!("{} is larger than {} bytes", clean_name(&filename), max);
                    return Err(Error::new(Kind::TooLarge, "attachment.too_large", message));
                }
                if head.len() < 512 {
                    head.extend_from_slice(&piece[..piece.len().min(512 - head.len())]);
                }
                writer.write(piece).await?;
                first = field.chunk().await.map_err(broken)?;
            }
            let blob = writer.finish().await?;
            let content_type = sniff(&head).to_owned();
            form.files.push(NewAttachment {
                filename: clean_name(&filename),
                content_type,
                size_bytes: blob.size_bytes,
                sha256: blob.sha256.0,
            });
            continue;
        }
        let mut text = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(broken)? {
            text.extend_from_slice(&piece);
            if text.len() > FIELD_MAX {
                return Err(Error::new(
                    Kind::TooLarge,
                    "request.too_large",
                    format!("the field {name} is too long"),
                ));
            }
        }
        let text = String::from_utf8(text)
            .map_err(|_| Error::field(name.clone(), "request.encoding", "must be UTF-8"))?;
        form.fields.push((name, text));
    }
    Ok(form)
}

/// A file as an answer that no browser runs: always a download, never sniffed, in a sandbox.
pub async fn serve(app: &App, caller: &Caller, file: &Attachment) -> Result<Response> {
    let reader = app.outside().blobs.open(caller.tenant_id(), engine::outside::Sha256(file.sha256)).await?;
    let raster =
        matches!(file.content_type.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp");
    let kind =
        if raster || file.content_type.starts_with("text/plain") || file.content_type == "application/pdf" {
            file.content_type.as_str()
        } else {
            "application/octet-stream"
        };
    let fixed = |v: &'static str| HeaderValue::from_static(v);
    let value = |v: &str| HeaderValue::from_str(v).unwrap_or_else(|_| fixed("application/octet-stream"));
    let mut response = (StatusCode::OK, Body::from_stream(reader.stream)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, value(kind));
    headers.insert(header::CONTENT_LENGTH, reader.size_bytes.into());
    headers.insert(header::CONTENT_DISPOSITION, disposition(&file.filename));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, fixed("sandbox; default-src 'none'"));
    headers.insert(header::CACHE_CONTROL, fixed("private, max-age=86400, immutable"));
    Ok(response)
}

/// RFC 6266: an ASCII name for old readers, the whole name in UTF-8 for the rest.
fn disposition(name: &str) -> HeaderValue {
    let ascii: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' })
        .collect();
    let encoded: String = name
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"._-".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    HeaderValue::from_str(&format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_from_content_and_names_are_data() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\nrest"), "image/png");
        assert_eq!(sniff(b"<svg onload=alert(1)>"), "text/plain; charset=utf-8");
        assert_eq!(sniff(b"\x00\x01"), "application/octet-stream");
        assert_eq!(sniff("gr\u{fc}n".as_bytes()), "text/plain; charset=utf-8");
        assert_eq!(clean_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_name("in\u{202e}voice\r\n.pdf"), "invoice.pdf");
        assert_eq!(clean_name("...."), "file");
        let header = disposition("Straße \"x\".pdf");
        assert_eq!(
            header.to_str().unwrap(),
            "attachment; filename=\"Stra_e _x_.pdf\"; filename*=UTF-8''Stra%C3%9Fe%20%22x%22.pdf"
        );
    }
}
