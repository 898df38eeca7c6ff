//! Which certificates of clients are taken.

use std::net::IpAddr;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
};

/// Takes certificates of anybody, or of those a further verifier takes; of these the ones with a
/// certain name.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) provider: Arc<CryptoProvider>,
    /// `None` where whoever holds the key of a certificate may have made it.
    pub(super) authorities: Option<Arc<dyn ClientCertVerifier>>,
    pub(super) mandatory: bool,
    /// Empty where any name will do.
    pub(super) names: Vec<String>,
}

impl ClientCertVerifier for Taken {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authorities
            .as_ref()
            .map_or(&[], |known| known.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(authorities) = &self.authorities {
            authorities.verify_client_cert(certificate, intermediates, now)?;
        }
        if !self.names.is_empty() {
            let found = names(certificate).ok_or(CertificateError::BadEncoding)?;
            if !found.iter().any(|name| self.names.contains(name)) {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const OCTETS: u8 = 0x04;
/// The third of the context's tags, around the extensions.
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17, `subjectAltName`.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// The subject alternative names of a certificate: of hosts, mail addresses, URIs and IP addresses.
/// `None` where it is no certificate. See [RFC 5280](https://www.rfc-editor.org/rfc/rfc5280#section-4.1).
fn names(certificate: &[u8]) -> Option<Vec<String>> {
    let body = Der(certificate).next(SEQUENCE)?.next(SEQUENCE)?;
    let mut body = body;
    let extensions = loop {
        match body.any() {
            Some((EXTENSIONS, extensions)) => break extensions,
            Some(_) => {}
            None if body.0.is_empty() => return Some(Vec::new()),
            None => return None,
        }
    };
    let mut extensions = Der(extensions).next(SEQUENCE)?;
    let mut found = Vec::new();
    while let Some((SEQUENCE, extension)) = extensions.any() {
        let mut extension = Der(extension);
        if extension.next(OBJECT)?.0 != SUBJECT_ALT_NAME {
            continue;
        }
        while let Some((tag, value)) = extension.any() {
            if tag == OCTETS {
                let mut names = Der(value).next(SEQUENCE)?;
                while let Some((tag, value)) = names.any() {
                    found.extend(name(tag, value));
                }
            }
        }
    }
    Some(found)
}

/// One name, as Go writes it.
fn name(tag: u8, value: &[u8]) -> Option<String> {
    match tag {
        // rfc822Name, dNSName, uniformResourceIdentifier
        0x81 | 0x82 | 0x86 => str::from_utf8(value).ok().map(Into::into),
        // iPAddress
        0x87 => {
            let address: Option<IpAddr> = match value.len() {
                4 => <[u8; 4]>::try_from(value).ok().map(Into::into),
                _ => <[u8; 16]>::try_from(value).ok().map(Into::into),
            };
            address.map(|address| address.to_canonical().to_string())
        }
        _ => None,
    }
}

/// Values in DER, one after the other: a tag, a length, a value.
struct Der<'c>(&'c [u8]);

impl<'c> Der<'c> {
    fn any(&mut self) -> Option<(u8, &'c [u8])> {
        let (&[tag, length], rest) = self.0.split_first_chunk()?;
        let (length, rest) = if length < 0x80 {
            (length.into(), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let digits = (1..=4).contains(&digits.len()).then_some(digits)?;
            let length = digits
                .iter()
                .fold(0, |length, &digit| length << 8 | usize::from(digit));
            (length, rest)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    /// What is in the next value, which must have this tag.
    fn next(&mut self, expected: u8) -> Option<Self> {
        let (tag, value) = self.any()?;
        (tag == expected).then_some(Der(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    #[test]
    fn reads_every_kind_of_name() {
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(vec!["a.example".into(), "10.1.2.3".into()]).unwrap();
        params
            .subject_alt_names
            .push(SanType::IpAddress("2001:db8::1".parse().unwrap()));
        params
            .subject_alt_names
            .push(SanType::Rfc822Name("me@a.example".try_into().unwrap()));
        params
            .subject_alt_names
            .push(SanType::URI("spiffe://a/b".try_into().unwrap()));
        let certificate = params.self_signed(&key).unwrap();
        let der = certificate.der();
        let expected = ["a.example", "10.1.2.3", "2001:db8::1", "me@a.example", "spiffe://a/b"];
        assert_eq!(names(der).unwrap(), expected);
        for end in 0..der.len() {
            assert_eq!(names(&der[..end]), None, "cut at {end}");
        }
        let nameless = CertificateParams::new(vec![]).unwrap();
        assert_eq!(names(nameless.self_signed(&key).unwrap().der()), Some(vec![]));
    }
}
