use context::Context;
use gmail_webhook::{respond, wire};
use lambda_http::{Error, Request, run, service_fn};
use runtime::once::Once;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let webhook = &Once::new(|| async { wire(&Context::new().await?).await });
    run(service_fn(|request: Request| async move { Ok::<_, Error>(respond(webhook, &request).await) })).await
}
