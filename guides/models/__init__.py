"""Providers, clients, guides, error articles and their texts."""

from guides.models.clients import ClientVersion, MailClient
from guides.models.errors import ArticleClass, ErrorArticle, ErrorPattern, ErrorText, FormerArticle
from guides.models.guides import Guide, GuideText
from guides.models.ispdb import IspdbDomain, IspdbEntry, IspdbServer
from guides.models.library_version import LibraryVersion
from guides.models.providers import Provider, ProviderDomain, ProviderServer, ProviderText, SuffixRule
from guides.models.search import SearchEntry, SearchWord
from guides.models.unexplained import UnexplainedText
from guides.models.versioned import LoadedEntry

__all__ = [
    "ArticleClass",
    "ClientVersion",
    "ErrorArticle",
    "ErrorPattern",
    "ErrorText",
    "FormerArticle",
    "Guide",
    "GuideText",
    "IspdbDomain",
    "IspdbEntry",
    "IspdbServer",
    "LibraryVersion",
    "LoadedEntry",
    "MailClient",
    "Provider",
    "ProviderDomain",
    "ProviderServer",
    "ProviderText",
    "SearchEntry",
    "SearchWord",
    "SuffixRule",
    "UnexplainedText",
]
