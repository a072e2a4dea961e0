//! Mail that cannot be delivered comes back as a delivery status notification (RFC 3464).

use std::collections::BTreeSet;

use super::{mailbox, send};
use crate::{
    error::ApiError,
    mailbox::Mail,
    mime,
    state::{World, random},
};

const DAEMON: &str = "mailer-daemon@googlemail.test";

/// Tells the sender that `to` does not exist, in the thread of the mail that came back.
pub(super) fn take_back(world: &mut World, sender: &str, to: &str, mail: &[u8], thread: &str) -> Result<(), ApiError> {
    let now = world.now_ms();
    let notice = write(sender, to, mail, &mime::date(now));
    let labels = BTreeSet::from(["INBOX".to_owned(), "UNREAD".to_owned()]);
    let mail = Mail::new(world.fresh_id(), Some(thread.to_owned()), labels, now, notice);
    mailbox(world, sender)?.add(mail, now);
    Ok(())
}

fn write(sender: &str, to: &str, mail: &[u8], date: &str) -> Vec<u8> {
    let envelope = mime::envelope(mail);
    let parent = envelope.message_id.map(|id| format!("References: <{id}>\r\nIn-Reply-To: <{id}>\r\n"));
    let parent = parent.unwrap_or_default();
    let boundary = format!("000000000000{}", random(12));
    let verdict = send::Verdict::Pass.field("googlemail.test");
    let why = "550-5.1.1 The email account that you tried to reach does not exist.";
    let header = mime::header_block(mail);
    let mut notice = format!(
        "Delivered-To: {sender}\r\nReturn-Path: <>\r\n{verdict}\r\nFrom: Mail Delivery Subsystem <{DAEMON}>\r\nTo: \
         {sender}\r\nAuto-Submitted: auto-replied\r\nSubject: Delivery Status Notification (Failure)\r\n{parent}\
         X-Failed-Recipients: {to}\r\nMessage-ID: <{id}@mx.google.com>\r\nDate: {date}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; boundary=\"{boundary}\"; report-type=delivery-status\r\n\r\n--{boundary}\r\n\
         Content-Type: text/plain; charset=\"UTF-8\"\r\n\r\n** Address not found **\r\n\r\nYour message wasn't \
         delivered to {to} because the address couldn't be found, or is unable to receive mail.\r\n\r\nThe response \
         was:\r\n\r\n{why}\r\n\r\n--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; \
         googlemail.test\r\nArrival-Date: {date}\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: \
         5.1.1\r\nDiagnostic-Code: smtp; {why}\r\nLast-Attempt-Date: {date}\r\n\r\n--{boundary}\r\nContent-Type: \
         message/rfc822\r\n\r\n",
        id = random(18),
    )
    .into_bytes();
    notice.extend_from_slice(header);
    notice.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    notice
}
