//! Mail services that call us: SendGrid with a form, Amazon SES with signed messages. The key and the certificate beside this
//! file were made for it, and are good for nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, hours};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::outside::HttpAnswer;
use ring::{rand::SystemRandom, signature};
use serde_json::{Value, json};
use support::{Answer, Client, Site};
use testkit::both_engines;

const RAW: &str = "From: Ada <ada@customers.example>\r\nTo: support@here.example.org\r\nSubject: Hello\r\nMessage-ID: <s1@mail.example>\r\n\r\nThe light is red. \u{e9}\r\n";
const CERTIFICATE: &str = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem";

async fn key(site: &Site, admin: &Client) -> String {
    let made =
        admin.post("/api/admin/channels", json!({ "address": "support@here.example.org" })).await.expect(201);
    site.work().await;
    made["key"].as_str().unwrap().to_owned()
}

async fn mails(admin: &Client) -> Vec<Value> {
    admin.get("/api/admin/mails").await.expect(200)["items"].as_array().unwrap().clone()
}

fn signed(mut message: Value, version: &str) -> Value {
    message["SignatureVersion"] = version.into();
    let names: &[&str] = match message["Type"].as_str().unwrap() {
        "Notification" => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    };
    let text: String =
        names.iter().filter_map(|n| Some(format!("{n}\n{}\n", message[*n].as_str()?))).collect();
    let pem = include_str!("sns/key.pem");
    let der: String = pem.lines().filter(|l| !l.starts_with("-----")).collect();
    let pair = signature::RsaKeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
    let mut out = vec![0; pair.public().modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut out).unwrap();
    message["Signature"] = STANDARD.encode(out).into();
    message
}

fn certificate() -> Result<HttpAnswer, engine::outside::HttpError> {
    let body = include_bytes!("sns/certificate.pem").as_slice().into();
    Ok(HttpAnswer { status: 200, retry_after: None, body, took: std::time::Duration::ZERO })
}

fn notification(site: &Site, content: &str, encoding: &str) -> Value {
    let notice = json!({
        "notificationType": "Received",
        "mail": { "source": "ada@customers.example", "messageId": "1" },
        "receipt": { "recipients": ["support@here.example.org"], "action": { "type": "SNS", "encoding": encoding } },
        "content": content,
    });
    json!({
        "Type": "Notification", "MessageId": "m-1", "TopicArn": "arn:aws:sns:eu-central-1:1:mail", "Message": notice.to_string(),
        "Timestamp": site.world.now().to_string(), "SigningCertURL": CERTIFICATE, "UnsubscribeURL": "https://x",
    })
}

async fn post(site: &Site, path: &str, body: &Value) -> Answer {
    site.anonymous()
        .send("POST", path, &[("content-type", "text/plain; charset=UTF-8")], body.to_string().into_bytes())
        .await
}

both_engines! {
    async fn ses_is_believed_when_amazon_signed_it(world) {
        let site = Site::new(world).await;
        // The certificate is younger than the world.
        site.world.clock.advance(hours(24 * 400));
        let admin = site.user("Root", Role::Admin).await;
        let path = format!("/api/mail/ses/{}", key(&site, &admin).await);
        let subscription = json!({
            "Type": "SubscriptionConfirmation", "MessageId": "m-0", "TopicArn": "arn:aws:sns:eu-central-1:1:mail", "Message": "You have chosen",
            "Token": "t", "SubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t",
            "Timestamp": site.world.now().to_string(), "SigningCertURL": CERTIFICATE,
        });
        site.http.answer_next([certificate(), testkit::FakeHttp::status(200)]);
        post(&site, &path, &signed(subscription.clone(), "2")).await.expect_status(200);
        let called: Vec<String> = site.http.calls().into_iter().map(|c| c.url).collect();
        assert_eq!(called, [CERTIFICATE, subscription["SubscribeURL"].as_str().unwrap()]);

        for (content, encoding) in [(RAW.to_owned(), "UTF8"), (STANDARD.encode(RAW.replace("s1@", "s2@")), "BASE64")] {
            site.http.answer_next([certificate()]);
            post(&site, &path, &signed(notification(&site, &content, encoding), "2")).await.expect_status(200);
        }
        site.work().await;
        let mails = mails(&admin).await;
        assert_eq!(mails.len(), 2);
        assert!(mails.iter().all(|m| m["outcome"] == "ticket" && m["door"] == "ses" && m["envelope_from"] == "ada@customers.example"), "{mails:?}");
        let number = admin.get("/api/admin/support/tickets").await.expect(200)["items"][0]["description"].clone();
        assert_eq!(number, "The light is red. \u{e9}");
    }

    async fn what_amazon_did_not_sign_takes_nothing_and_calls_nobody_else(world) {
        let site = Site::new(world).await;
        site.world.clock.advance(hours(24 * 400));
        let admin = site.user("Root", Role::Admin).await;
        let path = format!("/api/mail/ses/{}", key(&site, &admin).await);
        let good = || signed(notification(&site, RAW, "UTF8"), "2");
        let changed = |field: &str, value: &str| {
            let mut message = good();
            message[field] = value.into();
            message
        };
        let mut old = notification(&site, RAW, "UTF8");
        old["Timestamp"] = (site.world.now() - hours(24)).to_string().into();
        let wrong = [
            changed("Message", &good()["Message"].as_str().unwrap().replace("light", "fight")),
            changed("SignatureVersion", "1"),
            changed("SignatureVersion", "3"),
            changed("Signature", "AAAA"),
            changed("TopicArn", "arn:aws:sns:eu-central-1:2:theirs"),
            changed("Type", "Something"),
            signed(old, "2"),
        ];
        for message in &wrong {
            site.http.answer_next([certificate()]);
            post(&site, &path, message).await.expect(403);
        }
        let before = site.http.calls().len();
        for host in ["https://evil.example/c.pem", "http://sns.eu-central-1.amazonaws.com/c.pem", "https://sns.eu-central-1.amazonaws.com.evil.example/c.pem"] {
            post(&site, &path, &changed("SigningCertURL", host)).await.expect(403);
        }
        assert_eq!(site.http.calls().len(), before, "nobody else is called");
        post(&site, "/api/mail/ses/cfm_abcdefghijkmnpqrstuvwxyz23456789abcdefgh", &good()).await.expect(401);
        post(&site, &path, &json!({ "hello": 1 })).await.expect(422);
        assert!(mails(&admin).await.is_empty());
    }

    async fn sendgrid_hands_in_the_raw_message(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let path = format!("/api/mail/sendgrid/{}", key(&site, &admin).await);
        let form = |parts: &[(&str, &str)]| {
            let mut body = String::new();
            for (name, value) in parts {
                body.push_str(&format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
            }
            body.push_str("--B--\r\n");
            body.into_bytes()
        };
        let multipart = [("content-type", "multipart/form-data; boundary=B")];
        let envelope = r#"{"to":["support@here.example.org"],"from":"ada@customers.example"}"#;
        let parts = [("email", RAW), ("envelope", envelope), ("sender_ip", "203.0.113.9"), ("SPF", "pass")];
        site.anonymous().send("POST", &path, &multipart, form(&parts)).await.expect_status(200);
        site.work().await;
        let all = mails(&admin).await;
        assert_eq!((all.len(), all[0]["outcome"].as_str(), all[0]["client_ip"].as_str()), (1, Some("ticket"), Some("203.0.113.9")), "{all:?}");
        // An envelope that nobody could keep takes no mail along.
        let odd = r#"{"to":["nobody","<old@under_score.example.org>","a\u0000@b"],"from":"a\u0000b@customers.example"}"#;
        let parts = [("email", RAW), ("envelope", odd), ("sender_ip", "?")];
        site.anonymous().send("POST", &path, &multipart, form(&parts)).await.expect_status(200);
        site.work().await;
        let all = mails(&admin).await;
        assert_eq!((all.len(), all.iter().filter(|m| m["envelope_from"].is_null()).count()), (2, 1), "{all:?}");
        let parsed = [("text", "Hello"), ("from", "ada@customers.example")];
        let answer = site.anonymous().send("POST", &path, &multipart, form(&parsed)).await.expect(422);
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("raw"), "{answer}");
        site.anonymous().send("POST", &path, &multipart, b"--B\r\nnonsense".to_vec()).await.expect(400);
        let nobody = "/api/mail/sendgrid/cfm_abcdefghijkmnpqrstuvwxyz23456789abcdefgh";
        site.anonymous().send("POST", nobody, &multipart, form(&parts)).await.expect(401);
        assert_eq!(mails(&admin).await.len(), 2);
    }
}
