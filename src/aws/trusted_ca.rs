//! The certificates that an installation trusts beside the system's.

use base64::Engine;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// PEM certificates, parsed once.
#[derive(Clone)]
pub struct TrustedCa(Vec<u8>);

impl std::fmt::Debug for TrustedCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TrustedCa({} bytes)", self.0.len())
    }
}

/// A file of certificates that holds none, or broken ones.
#[derive(Debug, thiserror::Error)]
#[error("holds no readable PEM certificate")]
pub struct InvalidCaBundle;

impl TrustedCa {
    /// The certificates, one block each.
    pub(super) fn pem(&self) -> Vec<u8> {
        self.0.clone()
    }

    /// Takes what OpenSSL takes: a byte order mark, words between the certificates, and certificates with trust settings.
    ///
    /// # Errors
    /// When a certificate cannot be read, or there is none.
    pub fn parse(pem: &[u8]) -> Result<Self, InvalidCaBundle> {
        // Bundles are put together by `cat`: a byte order mark may stand before each certificate.
        let text = String::from_utf8_lossy(pem).replace('\u{feff}', "");
        let plain = ["TRUSTED CERTIFICATE", "X509 CERTIFICATE"].into_iter().fold(text, |text, label| {
            text.replace(&format!("BEGIN {label}-"), "BEGIN CERTIFICATE-")
                .replace(&format!("END {label}-"), "END CERTIFICATE-")
        });
        // The SDK would take a certificate that is none for a reason to panic, at the first connection.
        let (mut store, mut kept) = (RootCertStore::empty(), String::new());
        for certificate in CertificateDer::pem_slice_iter(plain.as_bytes()) {
            let certificate = certificate.map_err(|_| InvalidCaBundle)?;
            let der = first_element(&certificate).ok_or(InvalidCaBundle)?;
            store.add(CertificateDer::from(der)).map_err(|_| InvalidCaBundle)?;
            let lines = base64::engine::general_purpose::STANDARD.encode(der);
            kept.push_str(&format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"));
        }
        if store.is_empty() { Err(InvalidCaBundle) } else { Ok(Self(kept.into_bytes())) }
    }
}

/// The certificate itself: the trust settings follow it as a second element of DER.
fn first_element(der: &[u8]) -> Option<&[u8]> {
    let (head, length) = match *der.get(1)? {
        short @ ..0x80 => (2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            let bytes = der.get(2..2 + count).filter(|_| (1..=4).contains(&count))?;
            (2 + count, bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
    };
    der.get(..head + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the test authority `ca`, made for this test.
    const CA: &str = include_str!("trusted_ca/ca.pem");
    /// The same, with the trust settings of `openssl x509 -trustout -addtrust serverAuth`.
    const TRUSTED: &str = include_str!("trusted_ca/trusted.pem");

    #[test]
    fn what_openssl_takes_is_taken() {
        let plain = TrustedCa::parse(CA.as_bytes()).unwrap();
        let old = CA.replace("CERTIFICATE", "X509 CERTIFICATE");
        for bundle in [format!("\u{feff}{CA}"), TRUSTED.to_owned(), old, format!("# Our CA\r\n{CA}\nwords\n")] {
            assert_eq!(TrustedCa::parse(bundle.as_bytes()).unwrap().0, plain.0, "{bundle}");
        }
        let both = TrustedCa::parse(format!("\u{feff}{CA}\u{feff}{TRUSTED}").as_bytes()).unwrap();
        assert_eq!(both.0.len(), 2 * plain.0.len());
    }

    #[test]
    fn a_bundle_without_a_certificate_is_refused() {
        for pem in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
        ] {
            assert!(TrustedCa::parse(pem.as_bytes()).is_err(), "{pem}");
        }
    }
}
