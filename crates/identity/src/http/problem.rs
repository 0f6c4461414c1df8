//! Converts a failure into a problem document (RFC 9457).

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde::Serialize;

use crate::wire::{Failure, SignInCode};

/// Failure of a request. The client receives it as a problem document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Problem {
    failure: Failure,
    detail: Option<&'static str>,
}

impl Problem {
    /// Creates a problem with a hint for the developer of the client in `detail`.
    pub(crate) fn with_detail(code: SignInCode, detail: &'static str) -> Self {
        Self { failure: code.into(), detail: Some(detail) }
    }

    /// Returns `true` if the request failed because it has no session.
    pub(crate) fn is_signed_out(&self) -> bool {
        self.failure.code == SignInCode::SessionRequired
    }
}

impl<F: Into<Failure>> From<F> for Problem {
    fn from(failure: F) -> Self {
        Self { failure: failure.into(), detail: None }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { failure, detail } = self;
        let (code, retry_after) = (failure.code, failure.retry_after_seconds());
        let body = Body {
            r#type: "about:blank",
            title: code.message(),
            status: code.status().as_u16(),
            code: code.as_str(),
            detail,
            retry_after,
        };
        let mut response = (code.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
