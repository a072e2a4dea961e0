use context::Context;
use lambda_http::lambda_runtime::run;
use lambda_http::tower::ServiceExt;
use lambda_http::{Error, Request, service_fn};
use oauth_callback::{router, wire};
use runtime::address::fit;
use runtime::once::Once;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = Once::new(|| async { Ok::<_, context::NotReady>(router(wire(&Context::new().await?).await?)) });
    run(fit(service_fn(|request: Request| async {
        let router = app.get().await?.clone();
        Ok::<_, Error>(router.oneshot(request).await?)
    })))
    .await
}
