using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Mlops.Sdk.Data;

internal sealed class JsonLinesSource<T>(string path) : IDataSource<T>
{
    private const int MaxLine = 1 << 20;

    public string Description => $"JSON lines {Path.GetFileName(path)}";

    public async IAsyncEnumerable<DataRow<T>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        RecordShape<T> shape = RecordShape<T>.Instance;
        using StreamReader text = FileText.Open(path, "JSON lines");
        var lines = new LineReader(text, MaxLine, error => FileText.Unreadable(path, "JSON lines", error));
        object?[] values = new object?[shape.Members.Count];
        for (long line = 1; await lines.ReadAsync(cancellationToken).ConfigureAwait(false) is { } json; line++)
        {
            if (json.Length > 0)
            {
                yield return Convert(shape, json, values, line);
            }
        }
    }

    private static DataRow<T> Convert(RecordShape<T> shape, string json, object?[] values, long line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            Dictionary<string, JsonElement> fields = new(StringComparer.Ordinal);
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                fields[ColumnNames.Normalise(property.Name)] = property.Value;
            }

            for (int i = 0; i < values.Length; i++)
            {
                RecordMember member = shape.Members[i];
                string field = fields.TryGetValue(ColumnNames.Normalise(member.Name), out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value.ToString() : string.Empty;
                if (!Conversions.TryParse(field, member.Type, out values[i]) || value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                {
                    return Reject(line, $"type({member.Name})", $"'{member.Name}' should be a {member.Type.Name}.");
                }

                if (values[i] is null && !member.Nullable)
                {
                    return Reject(line, $"required({member.Name})", $"'{member.Name}' is absent and {typeof(T).Name}.{member.Name} cannot be without a value.");
                }
            }

            return new DataRow<T>(shape.Make(values), line);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return Reject(line, "json", $"The line is no JSON object: {error.Message}");
        }
    }

    private static DataRow<T> Reject(long line, string rule, string message) => new(default, line, new RejectedRow(line, rule, message));
}

/// <summary>Reads lines of bounded length, so that a file without line ends does not fill the memory.</summary>
internal sealed class LineReader(StreamReader text, int maxLength, Func<Exception, MlopsDataException> unreadable)
{
    private readonly char[] _buffer = new char[1 << 14];
    private int _at;
    private int _filled;

    internal async ValueTask<string?> ReadAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_at == _filled)
            {
                (_at, _filled) = (0, await FillAsync(cancellationToken).ConfigureAwait(false));
                if (_filled == 0)
                {
                    return line.Length > 0 ? line.ToString() : null;
                }
            }

            int end = _buffer.AsSpan(_at, _filled - _at).IndexOf('\n');
            int length = end < 0 ? _filled - _at : end;
            line.Append(_buffer, _at, length);
            _at += length + (end < 0 ? 0 : 1);
            if (line.Length > maxLength)
            {
                throw unreadable(new InvalidDataException($"a line has more than {maxLength} characters."));
            }

            if (end >= 0)
            {
                return line.ToString().TrimEnd('\r');
            }
        }
    }

    private async ValueTask<int> FillAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await text.ReadAsync(_buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or InvalidDataException or DecoderFallbackException)
        {
            throw unreadable(error);
        }
    }
}
