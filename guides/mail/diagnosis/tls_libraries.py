"""What TLS libraries say of a failed handshake: one table of library by reason, for every client and program.

Sources: the error strings of OpenSSL (x509_txt.c, ssl_err.c), GnuTLS (cert.c, errors.c), NSS (SEC_ERROR, SSL_ERROR),
rustls (error.rs), Go (crypto/x509, crypto/tls), Java (JSSE), Windows Schannel and WinTrust (winerror.h), Apple's Secure
Transport (SecureTransport.h, NSURLError).
"""

from __future__ import annotations

from functools import cache

from guides.mail.diagnosis.rulebook import FOLDER, Rules

OPENSSL, GNUTLS, NSS, RUSTLS = "OpenSSL", "GnuTLS", "NSS", "rustls"
GO, JAVA, SCHANNEL, APPLE = "Go", "Java", "Schannel", "Secure Transport"

# The more specific reason comes first: "expired" and "not trusted" stand in one line of GnuTLS.
REASONS: dict[str, dict[str, tuple[str, ...]]] = {
    "tls.cert_not_yet": {
        OPENSSL: (r"certificate is not yet valid", r"CERT_NOT_YET_VALID"),
        GNUTLS: (r"certificate.{0,12} not yet (activated|valid)",),
        NSS: (r"SEC_ERROR_\w*NOT_YET_VALID", r"MOZILLA_PKIX_ERROR_NOT_YET_VALID"),
        RUSTLS: (r"peer certificate: (Certificate)?NotValidYet", r"certificate not valid yet"),
        GO: (r"not yet valid: current time \S+ is before",),
        JAVA: (r"CertificateNotYetValidException", r"\bNotBefore: "),
        APPLE: (
            r"errSSLCertNotYetValid|-9815\b",
            r"CSSMERR_TP_CERT_NOT_VALID_YET",
            r"NSURLErrorServerCertificateNotYetValid|-1204\b",
        ),
    },
    "tls.cert_expired": {
        OPENSSL: (r"certificate (has )?expired", r"CERT_HAS_EXPIRED", r"alert certificate expired"),
        GNUTLS: (r"certificate (is|was|has) expired", r"chain uses expired certificate"),
        NSS: (r"SEC_ERROR_EXPIRED(_ISSUER)?_CERT\w*",),
        RUSTLS: (r"peer certificate: (Certificate)?Expired", r"certificate expired"),
        GO: (r"expired or is not yet valid: current time \S+ is after", r"x509: certificate has expired"),
        JAVA: (r"CertificateExpiredException", r"\bNotAfter: "),
        SCHANNEL: (r"SEC_E_CERT_EXPIRED|0x80090328", r"CERT_E_EXPIRED|0x800B0101", r"0x800CCC02\b"),
        APPLE: (
            r"errSSLCertExpired|-9814\b",
            r"CSSMERR_TP_CERT_EXPIRED",
            r"NSURLErrorServerCertificateHasBadDate|-1201\b",
        ),
    },
    "tls.cert_hostname": {
        OPENSSL: (
            r"hostname mismatch",
            r"ip address mismatch",
            r"certificate is not valid for '",
            r"no alternative certificate subject name",
        ),
        GNUTLS: (r"name in the certificate does not match", r"certificate's owner does not match"),
        NSS: (r"SSL_ERROR_BAD_CERT_DOMAIN", r"MOZILLA_PKIX_ERROR\w*DOMAIN"),
        RUSTLS: (r"peer certificate: NotValidForName", r"certificate not valid for name"),
        GO: (r"certificate is (valid for|not valid for any names)\b", r"cannot validate certificate for \S+ because"),
        JAVA: (
            r"no (subject alternative|name matching)\b.*found",
            r"SSLPeerUnverifiedException",
            r"hostname \S+ not verified",
            r"(can't verify|incorrect) identity of server",
        ),
        SCHANNEL: (
            r"SEC_E_WRONG_PRINCIPAL|0x80090322",
            r"CERT_E_CN_NO_MATCH|0x800B010F",
            r"target principal name is incorrect",
            r"0x800CCC01\b",
        ),
        APPLE: (r"errSSLHostNameMismatch|-9843\b", r"CSSMERR_APPLETP_HOSTNAME_MISMATCH"),
    },
    "tls.cert_self_signed": {
        OPENSSL: (r"self[- ]?signed cert", r"SELF_SIGNED_CERT"),
        GNUTLS: (r"certificate is self-?signed",),
        NSS: (r"MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT",),
        GO: (r"x509: .*self-signed",),
        JAVA: (r"self[- ]signed",),
        SCHANNEL: (r"CERT_E_UNTRUSTEDCA.*self",),
    },
    "tls.weak_key": {
        OPENSSL: (r"\b(ee|ca|dh) key too (weak|small)", r"\bkey too (weak|small)"),
        NSS: (r"SSL_ERROR_WEAK_SERVER_(EPHEMERAL_DH|CERT)_KEY", r"MOZILLA_PKIX_ERROR_INADEQUATE_KEY_SIZE"),
        GNUTLS: (r"prime received from the server is not acceptable", r"key is too (small|short)"),
        JAVA: (r"keysize \d+.*constraint", r"DH ServerKeyExchange does not comply"),
    },
    "tls.weak_sig": {
        OPENSSL: (r"ca md too weak", r"signature (digest )?algorithm too weak"),
        GNUTLS: (r"insecure algorithm", r"signature.{0,20} broken"),
        NSS: (r"SEC_ERROR_CERT_SIGNATURE_ALGORITHM_DISABLED",),
        GO: (r"insecure algorithm (SHA1|MD5)",),
        JAVA: (r"Algorithm constraints check failed",),
    },
    "tls.chain_or_unknown_ca": {
        OPENSSL: (
            r"unable to (get (local )?issuer|verify the first) certificate",
            r"UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF_SIGNATURE)",
            r"alert unknown ca",
        ),
        GNUTLS: (r"certificate issuer is unknown", r"certificate is NOT trusted"),
        NSS: (r"SEC_ERROR_(UNKNOWN|UNTRUSTED)_(ISSUER|CERT)", r"SEC_ERROR_CA_CERT_INVALID"),
        RUSTLS: (r"peer certificate: UnknownIssuer",),
        GO: (r"certificate signed by unknown authority",),
        JAVA: (
            r"PKIX path (building|validation) failed",
            r"unable to find valid certification path",
            r"trust anchor for certification path not found",
        ),
        SCHANNEL: (
            r"SEC_E_UNTRUSTED_ROOT|0x80090325",
            r"CERT_E_(UNTRUSTEDROOT|CHAINING|UNTRUSTEDCA)|0x800B010(9|A)",
            r"root certificate which is not trusted",
            r"issued by an authority that is not trusted",
        ),
        APPLE: (
            r"errSSL(XCertChainInvalid|UnknownRootCert|NoRootCert)|-98(07|12|13)\b",
            r"NSURLErrorServerCertificateUntrusted|-120[23]\b",
            r"CSSMERR_TP_NOT_TRUSTED",
        ),
    },
    "tls.protocol_version": {
        OPENSSL: (
            r"unsupported[_ ]protocol\b",
            r"alert protocol version",
            r"legacy sigalg disallowed|unsafe legacy renegotiation",
        ),
        GNUTLS: (r"unsupported (TLS )?(version|protocol) packet", r"no supported .*protocol"),
        NSS: (r"SSL_ERROR_(UNSUPPORTED_VERSION|PROTOCOL_VERSION_ALERT)", r"non-overridable tls error"),
        RUSTLS: (r"fatal alert: ProtocolVersion", r"peer (is incompatible|doesn't support any known protocol)"),
        GO: (r"(selected|unsupported) .*protocol version", r"protocol version not supported"),
        JAVA: (r"no appropriate protocol", r"selected protocol version \S+ is not accepted"),
        SCHANNEL: (r"SEC_E_UNSUPPORTED_FUNCTION|0x80090302",),
        APPLE: (r"errSSLPeerProtocolVersion|-9836\b",),
    },
    "tls.no_cipher": {
        OPENSSL: (
            r"alert handshake failure",
            r"no (shared cipher|ciphers? available|cipher match)",
            r"\bhandshake_failure\b",
        ),
        GNUTLS: (r"fatal alert has been received: Handshake failed", r"no supported cipher suites"),
        NSS: (r"SSL_ERROR_(NO_CYPHER_OVERLAP|HANDSHAKE_FAILURE_ALERT)",),
        RUSTLS: (r"fatal alert: HandshakeFailure",),
        GO: (r"remote error: tls: handshake failure", r"no cipher suite supported"),
        JAVA: (r"no cipher suites in common", r"Received fatal alert: handshake_failure"),
        SCHANNEL: (r"SEC_E_ALGORITHM_MISMATCH|0x80090331", r"do not possess a common algorithm"),
        APPLE: (r"errSSLPeerHandshakeFail|-98(24|01)\b", r"errSSLNegotiation"),
    },
    "tls.not_tls": {
        OPENSSL: (r"wrong[_ ]version[_ ]number", r"packet length too long", r"http request"),
        GNUTLS: (r"unexpected TLS packet was received", r"record packet with illegal version"),
        NSS: (r"SSL_ERROR_RX_RECORD_TOO_LONG",),
        RUSTLS: (r"corrupt message of type InvalidContentType",),
        GO: (r"first record does not look like a TLS handshake",),
        JAVA: (r"unrecogni[sz]ed SSL message", r"plaintext connection\?"),
        SCHANNEL: (r"SEC_E_INVALID_TOKEN|0x80090308", r"0x800CCC1A|0x800CCC7D"),
        APPLE: (r"errSSLProtocol\b|-9800\b",),
    },
    "tls.eof": {
        OPENSSL: (r"unexpected[_ ]eof", r"eof occurred in violation", r"SSL_ERROR_SYSCALL"),
        GNUTLS: (r"TLS connection was non-properly terminated", r"premature termination"),
        NSS: (r"PR_END_OF_FILE_ERROR",),
        RUSTLS: (r"peer closed connection without sending TLS close_notify",),
        JAVA: (r"remote host (terminated|closed) (the |connection during )?handshake",),
        APPLE: (r"errSSLClosed(Abort|NoNotify)|-98(06|16)\b",),
    },
}


@cache
def client_rules() -> Rules:
    """The sentences of mail clients (`rules/client.rules`), and behind their first part the table of TLS libraries."""
    table = "".join(
        f"{cause} exact\n" + "".join(f"  {words}\n" for rows in libraries.values() for words in rows)
        for cause, libraries in REASONS.items()
    )
    return Rules(table, (FOLDER / "client.rules").read_text(encoding="utf-8"))
