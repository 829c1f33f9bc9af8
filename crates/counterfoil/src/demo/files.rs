//! Small files that customers attach: real ones, made here.

use std::io::Write as _;

use base::{Error, Result};
use flate2::{Compression, Crc, write::ZlibEncoder};

pub struct File {
    pub filename: &'static str,
    pub content_type: &'static str,
    pub content: Vec<u8>,
}

/// A photo of lamps, a speed test, an invoice, a router's log.
pub fn all() -> Result<Vec<File>> {
    Ok(vec![
        File { filename: "router-lamps.png", content_type: "image/png", content: png(240, 96, lamps)? },
        File { filename: "speedtest.png", content_type: "image/png", content: png(320, 180, bars)? },
        File { filename: "invoice.pdf", content_type: "application/pdf", content: pdf() },
        File { filename: "router-log.txt", content_type: "text/plain", content: LOG.as_bytes().to_vec() },
    ])
}

const LOG: &str = "\
07:58:12 pppoe: connection established, 100.64.18.7
09:14:03 wan: link down
09:14:41 wan: link up, 1000 full
09:14:44 pppoe: connection established, 100.64.18.7
11:02:27 wan: link down
11:03:09 wan: link up, 1000 full
11:03:12 pppoe: no answer from the other side, trying again
11:03:21 pppoe: connection established, 100.64.20.115
11:31:50 wlan: 12 stations, channel 6 (busy)
";

type Colour = [u8; 3];
const DARK: Colour = [38, 42, 48];

/// A black box with four lamps, the third one red.
fn lamps(x: u32, y: u32) -> Colour {
    let (lamp, in_lamp) = (x / 60, (x % 60).abs_diff(30).pow(2) + y.abs_diff(48).pow(2) < 140);
    match (in_lamp, lamp) {
        (true, 2) => [226, 60, 52],
        (true, 3) => [90, 94, 100],
        (true, _) => [72, 200, 104],
        _ => DARK,
    }
}

/// Twelve bars on paper, low in the evening.
fn bars(x: u32, y: u32) -> Colour {
    const HEIGHTS: [u32; 12] = [120, 128, 122, 118, 124, 110, 96, 60, 34, 30, 52, 104];
    let height = HEIGHTS.get((x / 26) as usize).copied().unwrap_or(0);
    if y > 172 {
        DARK
    } else if x % 26 > 6 && 172 - y < height {
        if height < 64 { [214, 92, 60] } else { [46, 122, 196] }
    } else {
        [250, 250, 248]
    }
}

/// A true-colour PNG (W3C PNG, section 5), one filter byte of 0 before each line.
fn png(width: u32, height: u32, pixel: impl Fn(u32, u32) -> Colour) -> Result<Vec<u8>> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    for y in 0..height {
        let mut line = vec![0];
        (0..width).for_each(|x| line.extend(pixel(x, y)));
        packed.write_all(&line).map_err(Error::from_source)?;
    }
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], content: &[u8]| {
        let mut crc = Crc::new();
        crc.update(name);
        crc.update(content);
        out.extend((content.len() as u32).to_be_bytes());
        out.extend(name);
        out.extend(content);
        out.extend(crc.sum().to_be_bytes());
    };
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    chunk(b"IHDR", &header);
    chunk(b"IDAT", &packed.finish().map_err(Error::from_source)?);
    chunk(b"IEND", &[]);
    Ok(out)
}

/// One page of plain lines (PDF 1.4), with a cross-reference table that is right.
fn pdf() -> Vec<u8> {
    let lines = [
        "Northwind Fiber",
        "Invoice",
        "",
        "Fiber 500      39.90 EUR",
        "Activation     29.90 EUR",
        "",
        "Total          69.80 EUR",
    ];
    let text: String = lines.iter().map(|l| format!("({l}) Tj T* ")).collect();
    let stream = format!("BT /F1 12 Tf 16 TL 60 780 Td {text}ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>".to_owned(),
    ];
    let mut out = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", i + 1));
    }
    let start = out.len();
    out.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    offsets.iter().for_each(|o| out.push_str(&format!("{o:010} 00000 n \n")));
    out.push_str(&format!(
        "trailer << /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    ));
    out.into_bytes()
}
