using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Mlops.Sdk;

/// <summary>What names of models and aliases look like: one rule for whoever reads the ledger.</summary>
internal static class ModelNames
{
    internal const int MaxName = 128;
    internal const int MaxAlias = 64;
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
    private static readonly SearchValues<char> AliasCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    internal static bool IsName([NotNullWhen(true)] string? name) => name is { Length: >= 1 and <= MaxName } && char.IsAsciiLetterOrDigit(name[0]) && !name.AsSpan().ContainsAnyExcept(NameCharacters);

    internal static bool IsAlias([NotNullWhen(true)] string? alias) => alias is { Length: >= 1 and <= MaxAlias } && !alias.AsSpan().ContainsAnyExcept(AliasCharacters);
}
