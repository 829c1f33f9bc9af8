//! The whole application as one service: routes, then the layers around them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    body::Body,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use base::{Error, Kind};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, limit::RequestBodyLimitLayer};

use super::{
    app::App,
    caller::{self, RequestId},
    failure::{Failed, Failure},
    router,
};

/// The largest request: a message with all the files it may have.
const REQUEST_MAX: usize = 256 * 1024 * 1024;
/// No answer takes longer, but for streams.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// What every page may load: only our own.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'inline-speculation-rules'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; form-action 'self'; frame-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Everything the server answers.
pub fn service(app: App) -> Router {
    let (api, document) = router::api();
    let document: Arc<str> = serde_json::to_string(&document).unwrap_or_default().into();
    let identified = api
        .merge(crate::pages())
        .fallback(|| async { Failure(Error::not_found("page")) })
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED.into_response() })
        .layer(middleware::from_fn_with_state(app.clone(), error_pages))
        .layer(middleware::from_fn_with_state(app.clone(), caller::identify));
    Router::new()
        .merge(identified)
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|State(app): State<App>| async move { app.metrics_text() }))
        .route("/api/openapi.json", get(openapi))
        .route("/api/docs", get(crate::docs::page))
        .route("/assets/{*path}", get(asset))
        .merge(crate::first_run())
        .layer(Extension(document))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(REQUEST_MAX))
        .layer(CatchPanicLayer::custom(|_| Failure(Error::bug("a handler panicked")).into_response()))
        .layer(CompressionLayer::new().compress_when(Compressible))
        .layer(middleware::from_fn(around))
        .with_state(app)
}

/// Text of some length only; files and streams go as they are.
#[derive(Clone, Copy)]
struct Compressible;
impl tower_http::compression::predicate::Predicate for Compressible {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        let kind =
            response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let text = kind.starts_with("text/html")
            || kind.starts_with("text/css")
            || kind.contains("json")
            || kind.contains("javascript");
        text && response.body().size_hint().lower() > 1024
            && !response.headers().contains_key(header::CONTENT_DISPOSITION)
    }
}

async fn ready(State(app): State<App>) -> Response {
    match app.tenants().await {
        Ok(_) if !*app.stopping().borrow() => "ready".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "not ready").into_response(),
    }
}

async fn openapi(Extension(document): Extension<Arc<str>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

async fn asset(axum::extract::Path(path): axum::extract::Path<String>) -> Response {
    match crate::kit::assets::lookup(&format!("/assets/{path}")) {
        Some(asset) => {
            let cache = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
            ([(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, cache)], asset.bytes)
                .into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Outermost: request id, log line, latency by route, security headers, a limit on time.
async fn around(mut request: Request, next: Next) -> Response {
    let id = RequestId::new();
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let route: Arc<str> =
        request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).into();
    let streams = &*route == "/live";
    let is_api = request.uri().path().starts_with("/api/");
    let started = Instant::now();
    let mut response = if streams {
        next.run(request).await
    } else {
        match tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Failure(Error::unavailable("request.timeout", "this took too long and was given up"))
                .into_response(),
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let status = response.status();
    metrics::histogram!("counterfoil_http_request_seconds", "route" => route.to_string(), "method" => method.as_str().to_owned(), "status" => status.as_u16().to_string()).record(seconds);
    let code = response.extensions().get::<Failed>().map_or("", |f| f.0.code());
    if status.is_server_error() {
        tracing::warn!(request_id = %id.0, %method, %route, status = status.as_u16(), code, seconds, "answered");
    } else {
        tracing::debug!(request_id = %id.0, %method, %route, status = status.as_u16(), code, seconds, "answered");
    }
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    // A form leads to a page that shows what it did, not to one that was fetched ahead before.
    if !is_api && status == StatusCode::SEE_OTHER {
        headers.insert(
            HeaderName::from_static("clear-site-data"),
            HeaderValue::from_static("\"prefetchCache\""),
        );
    }
    if is_api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

/// Turns a problem into a page where a person is looking; programs under `/api/` get the document.
async fn error_pages(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/api/") || path == "/live" {
        return next.run(request).await;
    }
    let looks = crate::http::page::Look::of(&request);
    let response = next.run(request).await;
    let Some(Failed(error)) = response.extensions().get::<Failed>().cloned() else { return response };
    if error.kind() == Kind::Unauthenticated {
        return axum::response::Redirect::to(&format!(
            "/login?next={}",
            crate::http::page::encode(&looks.path)
        ))
        .into_response();
    }
    match crate::http::page::error_page(&app, &looks, &error).await {
        Ok(html) => {
            let mut page =
                (response.status(), [(header::CONTENT_TYPE, "text/html; charset=utf-8")], Body::from(html))
                    .into_response();
            page.extensions_mut().insert(Failed(error));
            page
        }
        Err(_) => response,
    }
}
