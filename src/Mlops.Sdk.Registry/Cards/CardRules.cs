using System.Buffers;

namespace Mlops.Sdk.Registry;

/// <summary>What sections of a card must look like.</summary>
internal static class CardRules
{
    internal const int MaxText = 64 * 1024;
    internal const int MaxSections = 50;
    private const int MaxName = 64;

    /// <summary>The sections most cards have, in the order they are shown; others follow by name.</summary>
    internal static readonly string[] Order = ["purpose", "intended-use", "out-of-scope", "data", "evaluation", "limitations", "ethical-considerations", "oversight", "contact"];

    private static readonly SearchValues<char> Characters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    internal static bool IsSection(string? name) => name is { Length: >= 1 and <= MaxName } && !name.AsSpan().ContainsAnyExcept(Characters) && name[0] != '-' && name[^1] != '-';

    internal static int Place(string section) => Array.IndexOf(Order, section) is var at && at >= 0 ? at : Order.Length;

    internal static void Check(string section, string text)
    {
        ArgumentNullException.ThrowIfNull(section);
        ArgumentNullException.ThrowIfNull(text);
        if (!IsSection(section))
        {
            throw new MlopsDataException("card.invalid_section", $"A section is named by 1 to {MaxName} of 'a-z', '0-9' and '-', such as 'intended-use'; found {RegistryRules.Show(section)}.");
        }

        if (text.Length > MaxText || text.AsSpan().ContainsAnyInRange('\0', '\u0008'))
        {
            throw new MlopsDataException("card.invalid_section", $"The text of section '{section}' has at most {MaxText} characters and no control characters; this one has {text.Length}. Put long documents into files and link them.");
        }
    }

    /// <summary>Turns a name into a heading: <c>intended-use</c> into <c>Intended use</c>.</summary>
    internal static string Heading(string section) => string.Concat(char.ToUpperInvariant(section[0]).ToString(), section.AsSpan(1).ToString().Replace('-', ' '));
}
