//! `/api/docs`: the reference, drawn from `/api/openapi.json` by the viewer that comes with aide.

use axum::{
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};

/// The viewer brings its script and style inside the page, so this page alone may run inline script. It shows the
/// document and nothing of any tenant, and it can load nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

pub async fn page() -> Response {
    let html = aide::swagger::Swagger::new("/api/openapi.json").with_title("Counterfoil API").html();
    let mut response = Html(html).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
