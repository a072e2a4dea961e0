use context::Context;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::once::Once;
use serde_json::Value;
use token_refresher::wire;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let parts = Once::new(|| async { wire(&Context::new().await?).await });
    run(service_fn(|_minute: LambdaEvent<Value>| async {
        let refresher = parts.get().await?;
        refresher.handle().await?;
        Ok::<_, Error>(())
    }))
    .await
}
