"""The charsets that mail is decoded in: a closed list. Python's other codecs (punycode, idna, hex …) are not for mail.

Names are the labels of the WHATWG Encoding Standard (section 4.2) and those that IANA lists for mail (RFC 2045, 2152).
"""

from __future__ import annotations

import re

# Python's codec -> names, as `codec_of` compares them: letters and digits only.
_NAMES = {
    "utf-8-sig": "utf8 unicode11utf8 unicode20utf8 xunicode20utf8 cp65001",
    "utf-7": "utf7 unicode11utf7",
    "utf-16": "utf16 unicode ucs2 iso10646ucs2 csunicode",
    "utf-16-le": "utf16le unicodefeff",
    "utf-16-be": "utf16be unicodefffe",
    "cp437": "cp437 ibm437",
    "cp850": "cp850 ibm850",
    "cp866": "cp866 ibm866 866 csibm866",
    "cp874": "windows874 cp874 dos874 iso885911 tis620",
    "cp1250": "windows1250 cp1250 xcp1250",
    "cp1251": "windows1251 cp1251 xcp1251",
    "cp1252": "windows1252 cp1252 xcp1252 iso88591 iso885911987 isoir100 latin1 l1 cp819 ibm819 csisolatin1",
    "cp1253": "windows1253 cp1253 xcp1253",
    "cp1254": "windows1254 cp1254 xcp1254 iso88599 iso885991989 latin5 l5 csisolatin5 isoir148",
    "cp1255": "windows1255 cp1255 xcp1255",
    "cp1256": "windows1256 cp1256 xcp1256",
    "cp1257": "windows1257 cp1257 xcp1257",
    "cp1258": "windows1258 cp1258 xcp1258",
    "iso8859-2": "iso88592 iso885921987 latin2 l2 csisolatin2 isoir101",
    "iso8859-3": "iso88593 iso885931988 latin3 l3 csisolatin3 isoir109",
    "iso8859-4": "iso88594 iso885941988 latin4 l4 csisolatin4 isoir110",
    "iso8859-5": "iso88595 iso885951988 cyrillic csisolatincyrillic isoir144",
    "iso8859-6": "iso88596 iso885961987 arabic csisolatinarabic ecma114 asmo708 isoir127 iso88596e iso88596i",
    "iso8859-7": "iso88597 iso885971987 greek greek8 csisolatingreek ecma118 elot928 isoir126 suneugreek",
    "iso8859-8": "iso88598 iso885981988 hebrew csisolatinhebrew visual isoir138 iso88598e iso88598i logical"
    " csiso88598i",
    "iso8859-10": "iso885910 latin6 l6 csisolatin6 isoir157",
    "iso8859-13": "iso885913",
    "iso8859-14": "iso885914",
    "iso8859-15": "iso885915 latin9 l9 csisolatin9",
    "iso8859-16": "iso885916",
    "koi8-r": "koi8r koi koi8 cskoi8r",
    "koi8-u": "koi8u koi8ru",
    "mac-roman": "macintosh mac macroman xmacroman csmacintosh",
    "mac-cyrillic": "xmaccyrillic maccyrillic xmacukrainian",
    "gb18030": "gb18030 gbk gb2312 gb231280 xgbk chinese csgb2312 csiso58gb231280 isoir58 cp936 windows936 ms936 euccn",
    "hz": "hzgb2312 hz",
    "big5hkscs": "big5 big5hkscs cnbig5 csbig5 xxbig5 big5eten",
    "cp950": "cp950 windows950 ms950",
    "euc_jis_2004": "eucjp xeucjp cseucpkdfmtjapanese ujis",
    "cp932": "shiftjis sjis xsjis mskanji csshiftjis ms932 windows31j cswindows31j cp932",
    "iso2022_jp_3": "iso2022jp csiso2022jp iso2022jp1 iso2022jp2 iso2022jp3 iso2022jpms cp50220 cp50221 jis",
    "cp949": "euckr cseuckr ksc5601 ksc56011987 ksc56011989 ksc560189 csksc56011987 korean isoir149 windows949"
    " cp949 uhc",
    "johab": "johab cp1361",
    "iso2022_kr": "iso2022kr csiso2022kr",
}  # fmt: skip
_CODECS = {name: codec for codec, names in _NAMES.items() for name in names.split()}
CODECS = tuple(_NAMES)


def codec_of(charset: str) -> str | None:
    """Python's codec for a charset that a message names, or None where it is none of mail's or plain ASCII."""
    return _CODECS.get(re.sub(r"[^a-z0-9]", "", charset[:60].lower()))
