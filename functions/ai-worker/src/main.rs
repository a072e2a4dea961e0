use ai_worker::wire;
use aws_lambda_events::event::sqs::SqsEvent;
use channel::time::Timestamp;
use context::Context;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::once::Once;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let parts = Once::new(|| async { wire(&Context::new().await?).await });
    run(service_fn(|event: LambdaEvent<SqsEvent>| async {
        let LambdaEvent { payload, context, .. } = event;
        let (runner, work) = parts.get().await?;
        let deadline = i64::try_from(context.deadline).ok().map(Timestamp::from_millis);
        Ok::<_, Error>(runner.run_until(payload, work.clone(), deadline).await)
    }))
    .await
}
