using System.Diagnostics.CodeAnalysis;

namespace Mlops.Sdk;

/// <summary>The name of an object in a store: the one place where names from outside are checked.</summary>
/// <remarks>
/// A key is 1 to 512 characters: segments joined by <c>/</c>, each 1 to 128 of <c>a-z 0-9 - _ .</c>, none starting or ending
/// with a dot. Upper case, blanks, <c>..</c>, backslashes, absolute paths, percent signs, control and non-ASCII characters and
/// the device names of Windows are refused, so that a key means the same object on every medium.
/// </remarks>
public readonly record struct ObjectKey
{
    /// <summary>The longest key, in characters.</summary>
    public const int MaxLength = 512;

    private const int MaxSegmentLength = 128;
    private readonly string? _value;

    private ObjectKey(string value) => _value = value;

    /// <summary>Checks a text and makes a key of it.</summary>
    /// <param name="value">The text.</param>
    /// <exception cref="MlopsStorageException">The text is no key; code <c>store.invalid_key</c>.</exception>
    /// <returns>The key.</returns>
    public static ObjectKey Parse(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return WhyNot(value, isPrefix: false) is { } reason
            ? throw new MlopsStorageException("store.invalid_key", $"'{Shorten(value)}' is not an object key: {reason}. Use segments of a-z, 0-9, '-', '_' and '.' joined by '/'.")
            : new ObjectKey(value);
    }

    /// <summary>Makes a key of a text if it is one.</summary>
    /// <param name="value">The text.</param>
    /// <param name="key">The key, or the default value.</param>
    /// <returns>Whether the text is a key.</returns>
    public static bool TryParse([NotNullWhen(true)] string? value, out ObjectKey key)
    {
        bool ok = value is not null && WhyNot(value, isPrefix: false) is null;
        key = ok ? new ObjectKey(value!) : default;
        return ok;
    }

    /// <summary>Checks a prefix for listing: a key, or the start of one, or empty for everything.</summary>
    /// <param name="prefix">The prefix; may end with <c>/</c>.</param>
    /// <exception cref="MlopsStorageException">The text is no prefix of any key; code <c>store.invalid_key</c>.</exception>
    /// <returns>The same prefix.</returns>
    public static string CheckPrefix(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        return prefix.Length != 0 && WhyNot(prefix, isPrefix: true) is { } reason
            ? throw new MlopsStorageException("store.invalid_key", $"'{Shorten(prefix)}' is not a key prefix: {reason}.")
            : prefix;
    }

    /// <summary>Gets the key's text.</summary>
    /// <exception cref="InvalidOperationException">The key is the default value.</exception>
    public string Value => _value ?? throw new InvalidOperationException("The default ObjectKey names no object. Make one with ObjectKey.Parse.");

    /// <summary>Returns the key's text, or an empty text for the default value.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => _value ?? string.Empty;

    private static string? WhyNot(string value, bool isPrefix)
    {
        if (value.Length is 0 or > MaxLength)
        {
            return $"it has {value.Length} characters, 1 to {MaxLength} are allowed";
        }

        ReadOnlySpan<char> rest = value;
        while (true)
        {
            int slash = rest.IndexOf('/');
            ReadOnlySpan<char> segment = slash < 0 ? rest : rest[..slash];
            if (segment.Length == 0)
            {
                return isPrefix && slash < 0 && value.Length > 0 ? null : "it has an empty segment";
            }

            if (WhyNotSegment(segment, partial: isPrefix && slash < 0) is { } reason)
            {
                return reason;
            }

            if (slash < 0)
            {
                return null;
            }

            rest = rest[(slash + 1)..];
        }
    }

    private static string? WhyNotSegment(ReadOnlySpan<char> segment, bool partial)
    {
        if (segment.Length > MaxSegmentLength)
        {
            return $"a segment has {segment.Length} characters, {MaxSegmentLength} are allowed";
        }

        foreach (char c in segment)
        {
            if (!(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.'))
            {
                return $"the character U+{(int)c:X4} is not allowed";
            }
        }

        if (segment[0] == '.' || (!partial && segment[^1] == '.'))
        {
            return "a segment starts or ends with a dot";
        }

        int dot = segment.IndexOf('.');
        ReadOnlySpan<char> stem = dot < 0 ? segment : segment[..dot];
        bool device = stem is "con" or "prn" or "aux" or "nul"
            || (stem.Length == 4 && (stem.StartsWith("com") || stem.StartsWith("lpt")) && char.IsAsciiDigit(stem[3]));
        return device && !partial ? $"'{stem}' is a device name on Windows" : null;
    }

    private static string Shorten(string value)
    {
        string head = value.Length <= 64 ? value : value[..64] + "...";
        return string.Concat(head.Select(c => char.IsControl(c) ? '?' : c));
    }
}
