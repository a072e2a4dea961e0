use ai_worker::wire;
use aws_lambda_events::event::sqs::SqsEvent;
use context::Context;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::once::Once;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let parts = Once::new(|| async { wire(&Context::new().await?).await });
    run(service_fn(|event: LambdaEvent<SqsEvent>| async {
        let (runner, work) = parts.get().await?;
        Ok::<_, Error>(runner.run(event.payload, work.clone()).await)
    }))
    .await
}
