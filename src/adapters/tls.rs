//! The one TLS client configuration for IMAP and SMTP: rustls with ring, TLS 1.2 and 1.3.
//!
//! Trusts the system's certificates, or only one named CA file. Never offers a way to switch the check off.
//! A CA file that is missing or holds no certificate is a mistake in the settings; a server whose
//! certificate does not check out is a matter of security, and the message says what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::ports::{ErrorClass, PortError};

/// Largest number of certificates read from one CA file.
const CA_FILE_CERTIFICATES_MAX: usize = 1000;

/// Which certificate authorities a server's certificate may come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsTrust {
    /// A PEM file that replaces the system's authorities; `None` for the system's.
    pub ca_file: Option<PathBuf>,
}

/// The configuration to connect with.
///
/// # Errors
/// The CA file cannot be read or holds no certificate, or the system has none.
pub fn client_config(trust: &TlsTrust) -> Result<Arc<ClientConfig>, PortError> {
    let roots = match &trust.ca_file {
        Some(path) => roots_from_file(path)?,
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| configuration("no common TLS version is compiled in; this build is broken".to_owned()))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// The name a server's certificate must bear: a host name or an IP address.
///
/// # Errors
/// The host is neither.
pub fn server_name(host: &str) -> Result<ServerName<'static>, PortError> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| configuration("the server's host is neither a DNS name nor an IP address; correct it".to_owned()))
}

/// The judgement on a failed TLS connection, if `error` came from rustls at all.
#[must_use]
pub fn tls_error(error: &io::Error) -> Option<PortError> {
    let source = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(explain(source))
}

/// The judgement on an error of rustls: a refused certificate is a matter of security.
#[must_use]
pub fn explain(error: &rustls::Error) -> PortError {
    // rustls' errors are a foreign, growing enum: all that is not named here is an ordinary fault.
    if let rustls::Error::InvalidCertificate(reason) = error {
        return PortError {
            class: ErrorClass::Security,
            message: format!(
                "the server's certificate is not trusted: {}; name its CA in `ca_file`, or have the server's certificate corrected",
                certificate_fault(reason)
            ),
        };
    }
    if matches!(error, rustls::Error::InvalidMessage(_)) {
        return PortError {
            class: ErrorClass::Configuration,
            message: "the server does not speak TLS on this port; check `port` and `security`".to_owned(),
        };
    }
    PortError { class: ErrorClass::Temporary, message: format!("the TLS connection failed: {error}; trying again") }
}

fn certificate_fault(reason: &CertificateError) -> &'static str {
    if matches!(reason, CertificateError::UnknownIssuer) {
        "its issuer is unknown"
    } else if matches!(reason, CertificateError::Expired | CertificateError::ExpiredContext { .. }) {
        "it has expired"
    } else if matches!(reason, CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) {
        "it is not valid yet"
    } else if matches!(reason, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) {
        "it is for another host name"
    } else if matches!(reason, CertificateError::Revoked) {
        "it is revoked"
    } else {
        "it does not check out"
    }
}

fn roots_from_file(path: &Path) -> Result<RootCertStore, PortError> {
    let unreadable = |what: &str| {
        configuration(format!("`ca_file` {} {what}; name a PEM file with the CA's certificate", path.display()))
    };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|_| unreadable("cannot be read"))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates.take(CA_FILE_CERTIFICATES_MAX) {
        let certificate = certificate.map_err(|_| unreadable("is not well-formed PEM"))?;
        roots.add(certificate).map_err(|_| unreadable("holds something that is not a CA certificate"))?;
    }
    if roots.is_empty() {
        return Err(unreadable("holds no certificate"));
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, PortError> {
    let mut roots = RootCertStore::empty();
    // System stores hold odd certificates; the usable ones are enough.
    let (usable, _ignored) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 {
        return Err(configuration(
            "this system has no trusted CA certificates; install them (package ca-certificates) or set `ca_file`"
                .to_owned(),
        ));
    }
    Ok(roots)
}

fn configuration(message: String) -> PortError {
    PortError { class: ErrorClass::Configuration, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(trust: &TlsTrust) -> PortError {
        client_config(trust).expect_err("refused")
    }

    #[test]
    fn a_missing_or_empty_ca_file_is_a_mistake_in_the_settings_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.pem");
        let error = refusal(&TlsTrust { ca_file: Some(missing.clone()) });
        assert_eq!(error.class, ErrorClass::Configuration);
        assert!(error.message.contains(missing.to_str().unwrap()), "{error}");

        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "no certificate here\n").unwrap();
        let error = refusal(&TlsTrust { ca_file: Some(empty) });
        assert_eq!(error.class, ErrorClass::Configuration);
        assert!(error.message.contains("holds no certificate"), "{error}");
    }

    #[test]
    fn a_ca_file_with_one_certificate_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&file, own.cert.pem()).unwrap();
        assert!(client_config(&TlsTrust { ca_file: Some(file) }).is_ok());
    }

    #[test]
    fn a_refused_certificate_is_a_matter_of_security_and_other_faults_are_not() {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let error = tls_error(&io::Error::new(io::ErrorKind::InvalidData, unknown)).unwrap();
        assert_eq!(error.class, ErrorClass::Security);
        assert!(error.message.contains("its issuer is unknown; name its CA in `ca_file`"), "{error}");
        assert_eq!(explain(&rustls::Error::HandshakeNotComplete).class, ErrorClass::Temporary);
        assert!(tls_error(&io::Error::from(io::ErrorKind::TimedOut)).is_none());
    }
}
