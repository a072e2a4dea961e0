//! The address of an HTTP event, made fit for the `http` crate before `lambda_http` reads it.
//!
//! API Gateway hands path and query on as the client wrote them, and `lambda_http` 1.3.2 panics on a character that a
//! URI cannot hold, such as a raw `<` in a query. Such characters are percent-encoded here, as browsers do (URL
//! Standard, query state), so that the request reaches its handler, which knows what to answer.

use lambda_http::request::LambdaRequest;
use lambda_http::tower::ServiceExt;
use lambda_http::tower::util::MapRequest;
use lambda_http::{Adapter, IntoResponse, LambdaEvent, Request, Service};

type Fitted<'a, R, S> = MapRequest<Adapter<'a, R, S>, fn(LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest>>;

/// `service` behind the adapter of `lambda_http`, for `lambda_runtime::run`.
pub fn fit<'a, R, S>(service: S) -> Fitted<'a, R, S>
where
    S: Service<Request, Response = R> + 'a,
    S::Future: Send + 'a,
    R: IntoResponse,
{
    Adapter::from(service).map_request(with_fit_address)
}

fn with_fit_address(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    // The enum is open: a kind of event that is not asked for here passes as it is.
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        for text in [&mut request.raw_path, &mut request.raw_query_string].into_iter().flatten() {
            *text = encoded(text);
        }
    }
    event
}

/// What is not a visible ASCII character, and of those the ones that a query or a path cannot hold. A `#` would end the
/// query, so it is meant as a character.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                out.push_str(&format!("%{byte:02X}"))
            }
            0x21..=0x7e => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_http::{Body, Context, Error, Response, service_fn};

    fn event(path: &str, query: &str) -> LambdaEvent<LambdaRequest> {
        let event = serde_json::json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": { "host": "console.example" },
            "requestContext": {
                "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" },
                "stage": "$default",
            },
            "isBase64Encoded": false,
        });
        LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default())
    }

    async fn seen(path: &str, query: &str) -> String {
        let service = service_fn(|request: Request| async move {
            Ok::<_, Error>(Response::builder().header("seen", request.uri().to_string()).body(Body::Empty)?)
        });
        let answer = fit(service).oneshot(event(path, query)).await.unwrap();
        let answer = serde_json::to_value(&answer).unwrap();
        answer["headers"]["seen"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn any_path_and_query_reach_the_handler() {
        let all: String = (0..=0x2ff_u32).filter_map(char::from_u32).collect();
        seen("/chat", &all).await;
        seen(&format!("/{}", all.replace(['?', '/'], "")), "").await;
    }

    #[tokio::test]
    async fn what_an_address_can_hold_stays_as_it_is() {
        let query = "a=b&c=%3Cd%3E&e=f+g/h?i:j@k!l$m'n(o)p*q,r;s~t-u_v.w";
        assert_eq!(seen("/chat/m/t", query).await, format!("https://console.example/chat/m/t?{query}"));
        assert_eq!(seen("/chat", "a=<b> \u{e4}").await, "https://console.example/chat?a=%3Cb%3E%20%C3%A4");
    }
}
