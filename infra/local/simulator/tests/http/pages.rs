use serde_json::json;

use crate::support::{CUSTOMER, Fixture, SUPPORT, mail, raw, reply, start};

pub async fn page(at: &Fixture, path: &str) -> (u16, String) {
    let response = at.http.get(at.url(path)).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

pub async fn submit(at: &Fixture, path: &str, form: &[(&str, &str)]) -> (u16, String) {
    let response = at.http.post(at.url(path)).form(form).send().await.unwrap();
    let status = response.status().as_u16();
    let location = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    (status, location.unwrap_or_else(String::new))
}

#[tokio::test]
async fn a_customer_writes_and_gets_an_answer_by_the_pages_alone() {
    let at = start().await;
    let (_, home) = page(&at, "/").await;
    assert!(home.contains(SUPPORT) && home.contains(CUSTOMER));
    let form = [("to", SUPPORT), ("subject", "Où <est> mon colis"), ("body", "Bonjour,\r\noù est-il ?")];
    let (status, thread) = submit(&at, &format!("/mail/{CUSTOMER}/send"), &form).await;
    assert_eq!(status, 302);
    assert!(page(&at, &thread).await.1.contains("O\u{f9} &#60;est&#62; mon colis"));

    let arrived = at.sim.dump(SUPPORT).unwrap().messages.pop().unwrap();
    assert_eq!(arrived.header("Subject"), Some("Où <est> mon colis"));
    let path = format!("/mail/{SUPPORT}/t/{}", arrived.thread_id);
    let (_, html) = page(&at, &path).await;
    assert!(html.contains("Re: O\u{f9} &#60;est&#62; mon colis"), "{html}");
    let form = [
        ("thread", arrived.thread_id.as_str()),
        ("to", CUSTOMER),
        ("subject", "Re: Où <est> mon colis"),
        ("body", "Demain."),
    ];
    submit(&at, &format!("/mail/{SUPPORT}/send"), &form).await;
    let (_, html) = page(&at, &thread).await;
    assert!(html.contains("Demain."), "the answer stands in the customer's thread: {html}");
}

#[tokio::test]
async fn a_draft_is_edited_and_sent_from_the_page() {
    let at = start().await;
    let taken = at.deliver(&mail("a@customer.test", "Parcel", ""));
    let (_, draft) = at.post("drafts", raw(&reply("a@customer.test", "Re: Parcel"), &taken.thread_id)).await;
    let thread = format!("/mail/{SUPPORT}/t/{}", taken.thread_id);
    let (_, html) = page(&at, &thread).await;
    assert!(html.contains("Send draft") && html.contains("On its way."));
    assert!(page(&at, &format!("/mail/{SUPPORT}")).await.1.contains("tag draft"));

    let action = format!("/mail/{SUPPORT}/drafts/{}", draft["id"].as_str().unwrap());
    let (status, back) = submit(&at, &action, &[("do", "save"), ("body", "On its way.\r\n")]).await;
    assert_eq!((status, back.replace("%40", "@")), (302, format!("{thread}?said=saved")));
    let (_, same) = at.get(&format!("drafts/{}?format=minimal", draft["id"].as_str().unwrap())).await;
    assert_eq!(same["message"]["id"], draft["message"]["id"], "unchanged text is no edit");

    assert_eq!(submit(&at, &action, &[("do", "save"), ("body", "It comes – tomorrow.")]).await.0, 302);
    let (_, edited) = at.get(&format!("drafts/{}?format=minimal", draft["id"].as_str().unwrap())).await;
    assert_ne!(edited["message"]["id"], draft["message"]["id"]);
    assert_eq!(edited["message"]["threadId"], json!(taken.thread_id));

    assert_eq!(submit(&at, &action, &[("do", "send"), ("body", "It comes – tomorrow.")]).await.0, 302);
    let got = at.sim.dump(CUSTOMER).unwrap().messages.pop().unwrap();
    assert_eq!(got.text.trim(), "It comes – tomorrow.");
    assert_eq!(got.header("X-Marker"), Some("42"));
    assert_eq!(submit(&at, &action, &[("do", "send"), ("body", "x")]).await.0, 404);
}

#[tokio::test]
async fn hostile_mail_stays_text() {
    let at = start().await;
    let taken = at.deliver(
        "From: \"<script>alert(1)</script>\" <x@customer.test>\r\nSubject: \"><img src=x onerror=alert(1)>\r\n\r\n\
         </pre><script>alert(2)</script>\r\n",
    );
    for path in [format!("/mail/{SUPPORT}"), format!("/mail/{SUPPORT}/t/{}", taken.thread_id)] {
        let response = at.http.get(at.url(&path)).send().await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let html = response.text().await.unwrap();
        // The one script is the page's own.
        assert_eq!(html.matches("<script").count(), 1, "{html}");
        assert!(!html.contains("<script>") && !html.contains("<img"), "{html}");
    }
    assert_eq!(page(&at, "/mail/nobody@example.com").await.0, 404);
    assert_eq!(page(&at, &format!("/mail/{SUPPORT}/t/none")).await.0, 404);
}
