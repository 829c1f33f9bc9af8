//! A client of SMTP that says what it is told.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

pub struct Talk<S: Read + Write = TcpStream>(BufReader<S>);

impl Talk {
    /// Connects, and is greeted.
    pub fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut talk = Self(BufReader::new(stream));
        talk.hear()?;
        talk.ask("EHLO client.example.net")?;
        Ok(talk)
    }

    pub fn into_inner(self) -> TcpStream {
        self.0.into_inner()
    }
}

impl<S: Read + Write> Talk<S> {
    pub fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)?;
        self.0.get_mut().flush()
    }

    /// A whole answer.
    pub fn hear(&mut self) -> io::Result<String> {
        let mut answer = String::new();
        loop {
            let begin = answer.len();
            if self.0.read_line(&mut answer)? == 0 {
                return Err(io::Error::other("hung up"));
            }
            if answer.as_bytes().get(begin + 3) != Some(&b'-') {
                return Ok(answer);
            }
        }
    }

    pub fn ask(&mut self, line: &str) -> io::Result<String> {
        self.say(format!("{line}\r\n").as_bytes())?;
        self.hear()
    }

    /// Up to and with the answer to the letter; the first refusal ends it.
    pub fn send(&mut self, from: &str, to: &str, raw: &str) -> io::Result<String> {
        for line in [format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>"), "DATA".to_owned()] {
            let answer = self.ask(&line)?;
            if !answer.starts_with(['2', '3']) {
                return Ok(answer);
            }
        }
        self.say(format!("{}\r\n.\r\n", raw.trim_end()).as_bytes())?;
        self.hear()
    }
}
