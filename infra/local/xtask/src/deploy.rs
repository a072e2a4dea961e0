//! The stack on the local AWS: deployed when template, code or parameters differ from what is there, and then checked.

use crate::aws_http::{AwsHttp, point};
use crate::package::{Package, hex};
use crate::process::run;
use crate::tools::Tools;
use crate::workspace::{FUNCTIONS, Workspace, architecture};
use crate::{Context, Error, Result};
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The tag of the stack that tells what was deployed.
const TAG: &str = "postroom-local";

/// The states of a stack that is as it was asked for.
pub const COMPLETE: [&str; 2] = ["CREATE_COMPLETE", "UPDATE_COMPLETE"];

/// What the stack says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stack {
    pub name: String,
    pub api: String,
    pub outputs: BTreeMap<String, String>,
}

pub struct Deployment<'a> {
    pub aws: &'a AwsHttp,
    pub endpoint: &'a str,
    pub stack: &'a str,
    pub parameters: &'a BTreeMap<String, String>,
    pub home: &'a Path,
}

impl Deployment<'_> {
    /// Deploys when needed; the flag says whether it was.
    pub async fn bring(&self, workspace: &Workspace, tools: &Tools, package: &Package) -> Result<(Stack, bool)> {
        let tag = self.tag(package);
        if let Some(stack) = self.current(&tag).await? {
            return Ok((stack, false));
        }
        let mut sam = tools.command("sam")?;
        point(&mut sam, self.endpoint);
        sam.current_dir(&workspace.root)
            .args(["deploy", "--config-file"])
            .arg(workspace.root.join("infra/local/samconfig.toml"))
            .arg("--template-file")
            .arg(&package.template)
            .args(["--stack-name", self.stack, "--tags", &format!("{TAG}={tag}"), "--parameter-overrides"])
            .arg(format!("Architecture={}", architecture()?))
            .args(self.parameters.iter().map(|(name, value)| format!("{name}={value}")));
        run("sam deploy", &mut sam, &self.home.join("sam-deploy.log")).await?;
        match self.current(&tag).await? {
            Some(stack) => Ok((stack, true)),
            None => Err(Error::new("the stack was deployed, but a function has no code or the stack is not complete")
                .remedy(format!("see {}", self.home.join("sam-deploy.log").display()))),
        }
    }

    fn tag(&self, package: &Package) -> String {
        let text = format!("{} {:?}", package.digest, self.parameters);
        hex(digest(&SHA256, text.as_bytes()).as_ref())
    }

    /// The stack, if it is complete, of this very tag, and every function has its code: after a kill the local AWS may
    /// know a function whose package was never stored, and it would then answer with a mock.
    async fn current(&self, tag: &str) -> Result<Option<Stack>> {
        let Some(described) = described(self.aws, self.stack).await? else { return Ok(None) };
        let complete = COMPLETE.contains(&element(&described, "StackStatus").unwrap_or(""));
        if !complete || !described.contains(&format!("<Value>{tag}</Value>")) {
            return Ok(None);
        }
        let outputs = outputs(&described);
        for (_, name) in FUNCTIONS {
            let path = format!("/2015-03-31/functions/{}-{name}/configuration", self.stack);
            let function = self.aws.get("lambda", &path).await?;
            if function["CodeSize"].as_u64().unwrap_or(0) == 0 {
                return Ok(None);
            }
        }
        let api = outputs.get("HttpApiId").cloned().ok_or_else(|| Error::new("the stack has no output HttpApiId"))?;
        Ok(Some(Stack { name: self.stack.to_owned(), api, outputs }))
    }

    /// Puts the Google client into the `app` secret, beside what the deployment generated.
    pub async fn store_client(&self, client_id: &str, client_secret: &str) -> Result<()> {
        let fields = [("google_client_id", client_id), ("google_client_secret", client_secret)];
        store_in_app_secret(self.aws, self.stack, &fields).await
    }
}

/// Sets fields of the `app` secret of `stack` and leaves the others as they are.
pub async fn store_in_app_secret(aws: &AwsHttp, stack: &str, fields: &[(&str, &str)]) -> Result<()> {
    let name = format!("{stack}/app");
    let read = aws.json("secretsmanager", "secretsmanager.GetSecretValue", &json!({ "SecretId": name })).await?;
    let text = read["SecretString"].as_str().ok_or_else(|| Error::new("the app secret holds no text"))?;
    let mut secret: Value = serde_json::from_str(text).why(|| "the app secret".into())?;
    if fields.iter().all(|(field, value)| secret[*field] == *value) {
        return Ok(());
    }
    for (field, value) in fields {
        secret[*field] = (*value).into();
    }
    let put = json!({
        "SecretId": name,
        "SecretString": secret.to_string(),
        "ClientRequestToken": hex(&digest(&SHA256, secret.to_string().as_bytes()).as_ref()[..16]),
    });
    aws.json("secretsmanager", "secretsmanager.PutSecretValue", &put).await.map(drop)
}

async fn described(aws: &AwsHttp, stack: &str) -> Result<Option<String>> {
    let form = [("Action", "DescribeStacks"), ("StackName", stack), ("Version", "2010-05-15")];
    match aws.query("cloudformation", &form).await {
        Ok(described) => Ok(Some(described)),
        Err(error) if error.to_string().contains("does not exist") => Ok(None),
        Err(error) => Err(error),
    }
}

/// What CloudFormation says of a stack, if there is one.
pub async fn state(aws: &AwsHttp, stack: &str) -> Result<Option<String>> {
    let described = described(aws, stack).await?;
    Ok(described.map(|xml| element(&xml, "StackStatus").unwrap_or("unknown").to_owned()))
}

fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// Names and values of the outputs; both are plain text without markup characters but `&amp;`.
fn outputs(xml: &str) -> BTreeMap<String, String> {
    let entry = |part: &str| {
        let key = element(part, "OutputKey")?;
        let value = element(part, "OutputValue")?;
        Some((key.to_owned(), value.replace("&amp;", "&")))
    };
    xml.split("<member>").filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_from_the_description() {
        let xml = "<Stacks><member><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>\
            <member><OutputKey>A</OutputKey><OutputValue>https://x.example/?a=1&amp;b=2</OutputValue></member>\
            <member><OutputKey>B</OutputKey><OutputValue>2</OutputValue></member></Outputs></member></Stacks>";
        assert_eq!(element(xml, "StackStatus"), Some("CREATE_COMPLETE"));
        let outputs = outputs(xml);
        assert_eq!(outputs["A"], "https://x.example/?a=1&b=2");
        assert_eq!(outputs["B"], "2");
    }
}
