//! The body of an upload, without the SDKs' `aws-chunked` framing.

use bytes::Bytes;

use crate::request::Request;

pub fn body(request: &Request) -> Bytes {
    let is_framed = request.header("x-amz-content-sha256").is_some_and(|hash| hash.starts_with("STREAMING-"));
    if is_framed { unframed(&request.body) } else { request.body.clone() }
}

/// Parses `HEX-SIZE[;chunk-signature=…]\r\nDATA\r\n` … `0\r\n`, then trailers.
fn unframed(mut rest: &[u8]) -> Bytes {
    let mut data = Vec::with_capacity(rest.len());
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let header = String::from_utf8_lossy(&rest[..end]);
        let size = usize::from_str_radix(header.split(';').next().unwrap_or_default(), 16).unwrap_or(0);
        let start = end + 2;
        if size == 0 || rest.len() < start + size {
            break;
        }
        data.extend_from_slice(&rest[start..start + size]);
        rest = rest.get(start + size + 2..).unwrap_or_default();
    }
    data.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_is_removed() {
        let framed = b"5;chunk-signature=0\r\nhello\r\n3\r\n, w\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n";
        assert_eq!(unframed(framed), Bytes::from_static(b"hello, w"));
    }
}
