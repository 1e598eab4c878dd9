//! The CA certificates that are trusted in addition to the system's.

use base64::Engine;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// PEM certificates that were checked when they were read.
#[derive(Clone)]
pub struct TrustedCa(Vec<u8>);

impl std::fmt::Debug for TrustedCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TrustedCa({} bytes)", self.0.len())
    }
}

/// A file has no certificate, or one that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("contains no PEM certificate, or one that cannot be read")]
pub struct InvalidCaBundle;

impl TrustedCa {
    /// The certificates, each in one PEM block.
    pub(super) fn pem(&self) -> Vec<u8> {
        self.0.clone()
    }

    /// Accepts what OpenSSL accepts: a byte order mark, text between the certificates, and certificates with trust
    /// settings.
    ///
    /// # Errors
    /// If there is no certificate, or one cannot be read.
    pub fn parse(pem: &[u8]) -> Result<Self, InvalidCaBundle> {
        // Bundles are often joined with `cat`, so there may be a byte order mark before each certificate.
        let text = String::from_utf8_lossy(pem).replace('\u{feff}', "");
        let plain = ["TRUSTED CERTIFICATE", "X509 CERTIFICATE"].into_iter().fold(text, |text, label| {
            text.replace(&format!("BEGIN {label}-"), "BEGIN CERTIFICATE-")
                .replace(&format!("END {label}-"), "END CERTIFICATE-")
        });
        // Check each certificate, because the SDK panics on an invalid one at the first connection.
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

/// The first DER element, which is the certificate. OpenSSL's trust settings follow as a second element.
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

    /// The certificate of the authority `ca`, created for this test.
    const CA: &str = include_str!("trusted_ca/ca.pem");
    /// The same certificate with the trust settings of `openssl x509 -trustout -addtrust serverAuth`.
    const TRUSTED: &str = include_str!("trusted_ca/trusted.pem");

    #[test]
    fn bundles_that_openssl_accepts_are_accepted() {
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
