using System.Buffers;
using System.Globalization;

namespace Mlops.Sdk;

/// <summary>The names of logs and the keys of their segments: <c>records/LOG/WRITER-NNNNNNNN</c>.</summary>
internal static class RecordKeys
{
    internal const string Root = "records/";
    private const int MaxLog = 400; // so that the key of a segment stays an object key
    private static readonly SearchValues<char> WriterCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789");

    internal static bool IsLog(string? log) => log is { Length: >= 1 and <= MaxLog } && ObjectKey.TryParse(log, out _);

    internal static bool IsWriter(ReadOnlySpan<char> writer) => writer.Length is >= 1 and <= 64 && !writer.ContainsAnyExcept(WriterCharacters);

    internal static string PrefixOf(string log) => $"{Root}{log}/";

    internal static string Of(string log, string writer, int segment) => string.Create(CultureInfo.InvariantCulture, $"{Root}{log}/{writer}-{segment:D8}");

    /// <summary>Reads a key of a log's segment.</summary>
    internal static bool TryParse(string key, string log, out string writer, out int segment)
    {
        (writer, segment) = (string.Empty, 0);
        ReadOnlySpan<char> rest = key;
        if (!rest.StartsWith(Root, StringComparison.Ordinal) || !rest[Root.Length..].StartsWith(log, StringComparison.Ordinal))
        {
            return false;
        }

        rest = rest[(Root.Length + log.Length)..];
        int dash = rest.LastIndexOf('-');
        if (rest.Length < 10 || rest[0] != '/' || dash != rest.Length - 9 || !IsWriter(rest[1..dash])
            || rest[(dash + 1)..].ContainsAnyExceptInRange('0', '9') || !int.TryParse(rest[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out segment))
        {
            return false;
        }

        writer = rest[1..dash].ToString();
        return true;
    }
}
