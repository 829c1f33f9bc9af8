//! Handlers.
pub fn routes() -> axum::Router<crate::http::app::App> {
    axum::Router::new()
}
