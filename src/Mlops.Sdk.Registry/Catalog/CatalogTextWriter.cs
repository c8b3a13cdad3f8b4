using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Registry;

/// <summary>Writes a filter as text that the parser reads to an equal one.</summary>
internal static class CatalogTextWriter
{
    private static readonly (long Minutes, string Name)[] Units = [(365 * 24 * 60, "y"), (7 * 24 * 60, "w"), (24 * 60, "d"), (60, "h"), (1, "min")];

    internal static string Write(CatalogFilter filter)
    {
        StringBuilder text = new();
        Write(text, filter, inner: 0);
        return text.ToString();
    }

    /// <summary>Writes with parentheses when what stands around binds tighter: 0 nothing, 1 an OR, 2 an AND, 3 a NOT.</summary>
    private static void Write(StringBuilder text, CatalogFilter filter, int inner)
    {
        switch (filter)
        {
            case AndFilter and:
                Many(text, and.Items, " ", 2, inner);
                break;
            case OrFilter or:
                Many(text, or.Items, " OR ", 1, inner);
                break;
            case NotFilter not:
                text.Append('-');
                Write(text, not.Inner, 3);
                break;
            case AllFilter:
                text.Append('*');
                break;
            case WordFilter word:
                Bare(text, word.Text);
                break;
            case PhraseFilter phrase:
                Quoted(text, phrase.Text);
                break;
            case MatchFilter match:
                text.Append(match.Field.ToString().ToLowerInvariant());
                Key(text, match.Key);
                text.Append(match.MatchCase ? '=' : ':');
                Value(text, match.Pattern);
                break;
            case NumberFilter number:
                text.Append(number.Field.ToString().ToLowerInvariant());
                Key(text, number.Key);
                text.Append(CatalogTextParser.Comparisons[(int)number.Comparison]).Append(number.Value.ToString("R", CultureInfo.InvariantCulture));
                break;
            case TimeFilter time:
                text.Append("created").Append(CatalogTextParser.Comparisons[(int)time.Comparison])
                    .Append(new DateTimeOffset(time.Ticks, TimeSpan.Zero).ToString(time.Ticks % TimeSpan.TicksPerDay == 0 ? "yyyy-MM-dd" : "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture));
                break;
            case AgeFilter age:
                (long minutes, string unit) = Units.First(u => age.Minutes % u.Minutes == 0 && age.Minutes >= u.Minutes || u.Minutes == 1);
                text.Append("age").Append(CatalogTextParser.Comparisons[(int)age.Comparison]).Append(CultureInfo.InvariantCulture, $"{age.Minutes / minutes}{unit}");
                break;
            case FlagFilter flag:
                text.Append(flag.Field.ToString().ToLowerInvariant()).Append(flag.Wanted ? ":yes" : ":no");
                break;
            default:
                throw new NotSupportedException($"{filter.GetType().Name} has no text.");
        }
    }

    private static void Many(StringBuilder text, CatalogFilter[] items, string between, int own, int around)
    {
        bool group = around > own;
        text.Append(group ? "(" : string.Empty);
        for (int i = 0; i < items.Length; i++)
        {
            text.Append(i == 0 ? string.Empty : between);
            Write(text, items[i], own + 1);
        }

        text.Append(group ? ")" : string.Empty);
    }

    private static void Key(StringBuilder text, string? key)
    {
        if (key is null)
        {
            return;
        }

        text.Append('.');
        if (key.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
        {
            text.Append(key);
        }
        else
        {
            Quoted(text, key);
        }
    }

    private static void Value(StringBuilder text, string value)
    {
        if (value.Length > 0 && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '*' or '?' or '/' or ':' or '@'))
        {
            text.Append(value);
        }
        else
        {
            Quoted(text, value);
        }
    }

    private static void Bare(StringBuilder text, string word)
    {
        bool keyword = word is "OR" or "AND" or "NOT";
        for (int i = 0; i < word.Length; i++)
        {
            char c = word[i];
            bool special = char.IsWhiteSpace(c) || c is '"' or '(' or ')' or '\\' or ':' or '=' or '<' or '>' or '!';
            text.Append(special || (i == 0 && (keyword || c is '-' or '*')) ? "\\" : string.Empty).Append(c);
        }
    }

    private static void Quoted(StringBuilder text, string value) =>
        text.Append('"').Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
}
