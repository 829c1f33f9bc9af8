//! A name server with a zone of the test's own. No test asks a real one.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use mail_auth::hickory_resolver::proto::{
    op::{Message, ResponseCode},
    rr::{
        RData, Record, RecordType,
        rdata::{A, TXT},
    },
};
use tokio::{net::UdpSocket, task::JoinHandle};

/// Answers on a UDP port of its own until dropped.
pub struct Names {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

/// What is behind a name.
#[derive(Clone)]
pub enum Entry {
    Text(String),
    Address(Ipv4Addr),
    /// The server fails when it is asked for this.
    Broken,
    /// Nothing comes back.
    Silent,
}

impl Names {
    pub async fn serve(zone: impl IntoIterator<Item = (&str, Entry)>) -> Self {
        let zone: HashMap<String, Entry> =
            zone.into_iter().map(|(name, entry)| (format!("{name}."), entry)).collect();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let serving = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
                let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
                let name = question.queries[0].name().to_ascii().to_lowercase();
                let is_silent = matches!(zone.get(&name), Some(Entry::Silent));
                seen.lock().unwrap().push(name);
                if is_silent {
                    continue;
                }
                socket.send_to(&answer(question, &zone), client).await.unwrap();
            }
        });
        Self { address, asked, serving }
    }

    pub fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Whether it was asked for a name.
    pub fn was_asked(&self, name: &str) -> bool {
        self.asked.lock().unwrap().contains(&format!("{name}."))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn answer(question: Message, zone: &HashMap<String, Entry>) -> Vec<u8> {
    let query = question.queries[0].clone();
    let mut answer = question.into_response();
    answer.additionals.clear();
    answer.metadata.recursion_available = true;
    let found = zone.get(&query.name().to_ascii().to_lowercase());
    let record = match (found, query.query_type()) {
        (None, _) => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            None
        }
        (Some(Entry::Broken | Entry::Silent), _) => {
            answer.metadata.response_code = ResponseCode::ServFail;
            None
        }
        (Some(Entry::Text(text)), RecordType::TXT) => {
            let pieces = text.as_bytes().chunks(250).map(|piece| String::from_utf8(piece.to_vec()).unwrap());
            Some(RData::TXT(TXT::new(pieces.collect())))
        }
        (Some(Entry::Address(address)), RecordType::A) => Some(RData::A(A(*address))),
        _ => None,
    };
    if let Some(data) = record {
        answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
    }
    answer.to_vec().unwrap()
}
