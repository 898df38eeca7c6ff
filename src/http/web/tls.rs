//! TLS as a configuration asks for it, by rustls with ring.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{NoClientAuth, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
};

use super::clients::Taken;
use super::config::{Clients, Pem, Tls, Version};

/// The contents of the files that a configuration names.
#[derive(Debug)]
pub(super) struct Material {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) client_authorities: Option<Vec<u8>>,
}

/// Go has these, rustls has not: none of them has both forward secrecy and authenticated encryption.
const OF_GO: [&str; 12] = [
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
];

/// Go's names for the ciphers of TLS 1.3, which are always offered.
const OF_TLS13: [&str; 3] =
    ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/// Makes rustls' configuration, or says in a line what is wrong.
pub(super) fn server(tls: &Tls, material: &Material, http2: bool) -> Result<ServerConfig, String> {
    let provider = Arc::new(CryptoProvider {
        cipher_suites: ciphers(&tls.ciphers)?,
        kx_groups: curves(&tls.curves)?,
        ..ring::default_provider()
    });
    let versions: Vec<&'static SupportedProtocolVersion> = tls
        .versions
        .iter()
        .map(|version| match version {
            Version::Tls12 => &TLS12,
            Version::Tls13 => &TLS13,
        })
        .collect();
    let certified = certified(tls, material, &provider)?;
    let clients = clients(tls, material, &provider)?;
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .map_err(|error| format!("cipher_suites: {error}"))?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(tokio_rustls::rustls::sign::SingleCertAndKey::from(
            certified,
        )));
    config.ignore_client_order = tls.server_order;
    let protocols: &[&[u8]] = if http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

/// The certificate with its key, which must belong together.
fn certified(
    tls: &Tls,
    material: &Material,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, String> {
    let chain = certificates(&tls.certificate, &material.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&material.key)
        .map_err(|_| format!("{}: no private key in PEM", tls.key))?;
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_| format!("{}: not a key that can be used", tls.key))?;
    let certified = CertifiedKey::new(chain, key);
    certified
        .keys_match()
        .map_err(|error| format!("{} and {}: {error}", tls.certificate, tls.key))?;
    Ok(certified)
}

fn certificates(place: &Pem, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let found = found.map_err(|_| format!("{place}: not in PEM"))?;
    if found.is_empty() {
        return Err(format!("{place}: no certificate in PEM"));
    }
    Ok(found)
}

fn clients(
    tls: &Tls,
    material: &Material,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mandatory = match tls.clients {
        Clients::Nobody => return Ok(Arc::new(NoClientAuth)),
        Clients::Request | Clients::VerifyIfGiven => false,
        Clients::RequireAny | Clients::RequireAndVerify => true,
    };
    let verifies = matches!(tls.clients, Clients::VerifyIfGiven | Clients::RequireAndVerify);
    let authorities = match (&tls.client_authorities, &material.client_authorities) {
        (Some(place), Some(text)) if verifies => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(place, text)? {
                roots
                    .add(certificate)
                    .map_err(|error| format!("{place}: {error}"))?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
            Some(
                verifier
                    .build()
                    .map_err(|error| format!("{place}: {error}"))?,
            )
        }
        _ => None,
    };
    Ok(Arc::new(Taken {
        provider: Arc::clone(provider),
        authorities,
        mandatory,
        names: tls.allowed_sans.clone(),
    }))
}

/// The ciphers of TLS 1.3, and of those of TLS 1.2 the ones that are named, in this order.
fn ciphers(names: &[String]) -> Result<Vec<SupportedCipherSuite>, String> {
    let all = ring::ALL_CIPHER_SUITES;
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    let of_tls13 = |suite: &&SupportedCipherSuite| suite.tls13().is_some();
    let mut chosen: Vec<_> = all.iter().filter(of_tls13).copied().collect();
    for name in names {
        let named = |suite: &&SupportedCipherSuite| suite.suite().as_str() == Some(name);
        match all.iter().find(named) {
            Some(suite) => chosen.push(*suite),
            None if OF_TLS13.contains(&name.as_str()) => {}
            None if OF_GO.contains(&name.as_str()) => {
                tracing::warn!(cipher = name, "A cipher of the web configuration is not offered");
            }
            None => return Err(format!("cipher_suites: unknown cipher {name:?}")),
        }
    }
    Ok(chosen)
}

/// The curves that are named, in this order.
fn curves(names: &[String]) -> Result<Vec<&'static dyn SupportedKxGroup>, String> {
    if names.is_empty() {
        return Ok(ring::ALL_KX_GROUPS.to_vec());
    }
    let mut chosen = Vec::new();
    for name in names {
        match name.as_str() {
            "X25519" => chosen.push(ring::kx_group::X25519),
            "CurveP256" => chosen.push(ring::kx_group::SECP256R1),
            "CurveP384" => chosen.push(ring::kx_group::SECP384R1),
            "CurveP521" => {
                tracing::warn!(curve = name, "A curve of the web configuration is not offered");
            }
            _ => return Err(format!("curve_preferences: unknown curve {name:?}")),
        }
    }
    if chosen.is_empty() {
        return Err("curve_preferences: none of these is offered".into());
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn offers_the_ciphers_that_are_named() {
        let offered = |list: &[&str]| {
            let chosen = ciphers(&names(list))?;
            let chosen = chosen.iter().filter(|suite| suite.tls13().is_none());
            Ok::<_, String>(
                chosen
                    .map(|suite| suite.suite().as_str().unwrap())
                    .collect::<Vec<_>>(),
            )
        };
        let rsa = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256";
        assert_eq!(offered(&[]).unwrap().len(), 6);
        let named = [rsa, "TLS_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA"];
        assert_eq!(offered(&named), Ok(vec![rsa]));
        assert_eq!(offered(&["ROT13"]), Err("cipher_suites: unknown cipher \"ROT13\"".into()));
    }

    #[test]
    fn offers_the_curves_that_are_named() {
        let offered = |list: &[&str]| {
            let chosen = curves(&names(list))?;
            Ok::<_, String>(
                chosen
                    .iter()
                    .map(|c| c.name().as_str().unwrap())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(offered(&["CurveP384", "CurveP521"]), Ok(vec!["secp384r1"]));
        let none = "curve_preferences: none of these is offered";
        assert_eq!(offered(&["CurveP521"]), Err(none.into()));
        assert_eq!(offered(&["P1"]), Err("curve_preferences: unknown curve \"P1\"".into()));
    }
}
