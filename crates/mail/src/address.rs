use base::{Email, Error, Result};

/// The address as it goes over the wire: the domain in its ASCII form (`exämple.de` is `xn--exmple-cua.de`).
///
/// A local part outside ASCII stays as it is; only servers with SMTPUTF8 take it.
pub fn wire_address(email: &Email) -> Result<String> {
    let refuse = || Error::field("email", "email.domain", "the part after @ is not a domain name");
    let (local, domain) = email.as_str().rsplit_once('@').ok_or_else(refuse)?;
    let domain = idna::domain_to_ascii(domain).map_err(|_| refuse())?;
    if domain.is_empty() || domain.len() > 253 {
        return Err(refuse());
    }
    Ok(format!("{local}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_become_ascii() {
        let wire = |text: &str| wire_address(&text.parse().unwrap()).unwrap();
        assert_eq!(wire("ada@example.org"), "ada@example.org");
        assert_eq!(wire("ada@exämple.de"), "ada@xn--exmple-cua.de");
        assert_eq!(wire("jörg@example.de"), "jörg@example.de");
    }
}
