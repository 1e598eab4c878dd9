//! The cluster's own certificate authority: P-256 keys, X.509 v3 (RFC 5280). Its certificates exist only as long as one
//! state directory, so the validity is a constant and there is no revocation.

use aws_lc_rs::{
    error::Unspecified,
    rand::{SystemRandom, fill},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};

use crate::der;

const VALID: [&str; 2] = ["200101000000Z", "491231235959Z"];

const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// A certificate and its private key.
pub struct Identity {
    pub certificate: Vec<u8>,
    pub key: Key,
}

impl Identity {
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }
}

/// A private key, with its PKCS #8 form.
pub struct Key {
    pair: EcdsaKeyPair,
    pub pkcs8: Vec<u8>,
}

impl Key {
    pub fn generate() -> Result<Self, Unspecified> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        let pkcs8 = pair.to_pkcs8v1()?.as_ref().to_vec();
        Ok(Self { pair, pkcs8 })
    }

    pub fn private_pem(&self) -> String {
        pem("PRIVATE KEY", &self.pkcs8)
    }

    pub fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.public_key_info())
    }

    fn public_key_info(&self) -> Vec<u8> {
        let algorithm = der::sequence(&[der::oid(EC_PUBLIC_KEY), der::oid(P256)]);
        der::sequence(&[algorithm, der::bit_string(0, self.pair.public_key().as_ref())])
    }
}

/// A JSON Web Token (RFC 7519) with these claims, signed by ES256 with the key in `pem`.
pub fn token(pem: &str, claims: &serde_json::Value) -> Result<String, Unspecified> {
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let pkcs8 = BASE64_STANDARD.decode(lines).map_err(|_| Unspecified)?;
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).map_err(|_| Unspecified)?;
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", part(br#"{"alg":"ES256","typ":"JWT"}"#), part(claims.to_string().as_bytes()));
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes())?;
    Ok(format!("{signed}.{}", part(signature.as_ref())))
}

pub struct CertificateAuthority {
    name: Vec<u8>,
    identity: Identity,
}

impl CertificateAuthority {
    pub fn new() -> Result<Self, Unspecified> {
        let (key, name) = (Key::generate()?, subject("local-cluster-ca", &[]));
        let extensions = [
            extension(KEY_USAGE, true, &der::bit_string(1, &[0b1000_0110])), // digitalSignature, keyCertSign, cRLSign
            extension(BASIC_CONSTRAINTS, true, &der::sequence(&[der::BOOLEAN_TRUE])),
        ];
        let certificate = sign(&key, &name, &name, &key, &extensions)?;
        Ok(Self { name, identity: Identity { certificate, key } })
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// A certificate for a server with these DNS names and IPv4 addresses.
    pub fn server(&self, dns: &[&str], addresses: &[[u8; 4]]) -> Result<Identity, Unspecified> {
        let dns = dns.iter().map(|name| der::element(0x82, name.as_bytes()));
        let names: Vec<_> = dns.chain(addresses.iter().map(|address| der::element(0x87, address))).collect();
        let names = extension(SUBJECT_ALTERNATIVE_NAME, false, &der::sequence(&names));
        self.issue("kube-apiserver", &[], &[usage(SERVER_AUTH), names])
    }

    /// A certificate for a client. For Kubernetes, it is this user in these groups.
    pub fn client(&self, user: &str, groups: &[&str]) -> Result<Identity, Unspecified> {
        self.issue(user, groups, &[usage(CLIENT_AUTH)])
    }

    fn issue(&self, name: &str, organizations: &[&str], extensions: &[Vec<u8>]) -> Result<Identity, Unspecified> {
        let key = Key::generate()?;
        let signs = extension(KEY_USAGE, true, &der::bit_string(7, &[0b1000_0000])); // digitalSignature
        let extensions = [&[signs], extensions].concat();
        let certificate = sign(&self.identity.key, &self.name, &subject(name, organizations), &key, &extensions)?;
        Ok(Identity { certificate, key })
    }
}

/// RFC 5280, 4.1: the certificate of `key`, named `subject`, signed by `issuer_key`.
fn sign(
    issuer_key: &Key,
    issuer: &[u8],
    subject: &[u8],
    key: &Key,
    extensions: &[Vec<u8>],
) -> Result<Vec<u8>, Unspecified> {
    let mut serial = [0; 16];
    fill(&mut serial)?;
    serial[0] = serial[0] & 0x3f | 0x40; // positive, and no leading zero
    let algorithm = der::sequence(&[der::oid(ECDSA_WITH_SHA256)]);
    let to_be_signed = der::sequence(&[
        der::explicit(0, &der::integer(&[2])), // v3
        der::integer(&serial),
        algorithm.clone(),
        issuer.to_vec(),
        der::sequence(&VALID.map(der::utc_time)),
        subject.to_vec(),
        key.public_key_info(),
        der::explicit(3, &der::sequence(extensions)),
    ]);
    let signature = issuer_key.pair.sign(&SystemRandom::new(), &to_be_signed)?;
    Ok(der::sequence(&[to_be_signed, algorithm, der::bit_string(0, signature.as_ref())]))
}

fn subject(common_name: &str, organizations: &[&str]) -> Vec<u8> {
    let attribute = |kind: &[u8], value: &str| der::set(&[der::sequence(&[der::oid(kind), der::utf8_string(value)])]);
    let organizations = organizations.iter().map(|value| attribute(ORGANIZATION, value));
    der::sequence(&organizations.chain([attribute(COMMON_NAME, common_name)]).collect::<Vec<_>>())
}

fn usage(purpose: &[u8]) -> Vec<u8> {
    extension(EXTENDED_KEY_USAGE, false, &der::sequence(&[der::oid(purpose)]))
}

fn extension(kind: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::BOOLEAN_TRUE.to_vec() } else { Vec::new() };
    der::sequence(&[der::oid(kind), critical, der::octet_string(value)])
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
