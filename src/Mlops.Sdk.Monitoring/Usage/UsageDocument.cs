using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>What a process counted of one hour between two flushes, as it is stored: one record of the log <c>usage</c>, dated inside that hour.</summary>
internal sealed record UsageDocument(
    [property: JsonPropertyName("f")] int Format,
    [property: JsonPropertyName("h")] long Hour,
    [property: JsonPropertyName("cur")] string Currency,
    [property: JsonPropertyName("rows")] UsageDocumentRow[] Rows)
{
    internal const int CurrentFormat = 1;
    internal const int MaxRows = 1_000; // so that a record stays far below the largest one

    private const long MaxNumber = 1L << 53;

    internal static UsageDocument Of(long hour, string currency, IEnumerable<KeyValuePair<UsageKey, UsageCounts>> counts, Func<string, UsagePrice?> priceOf) => new(
        CurrentFormat,
        hour,
        currency,
        [.. counts.Select(c => new UsageDocumentRow(
            c.Key.Model,
            c.Key.Version,
            c.Key.Caller,
            c.Key.Error,
            c.Value.Calls,
            c.Value.Rows,
            c.Value.Busy,
            c.Value.Longest,
            [.. c.Value.Latency.Counts().SelectMany(b => new[] { b.Bucket, b.Count })],
            priceOf(c.Key.Model)?.CostOf(c.Key.Error is null, c.Value.Calls, c.Value.Rows, c.Value.Busy) ?? 0))]);

    internal byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, UsageJson.Default.UsageDocument);

    /// <exception cref="MlopsIntegrityException">The record is none of ours (<c>monitoring.unreadable_usage</c>) or one of a newer format (<c>monitoring.newer_format</c>).</exception>
    internal static UsageDocument Read(in StoredRecord record)
    {
        string where = $"record of {record.Time:u} in segment {record.Segment} of writer '{record.Writer}' of the record log '{UsageLog.LogName}'";
        UsageDocument? read;
        try
        {
            read = JsonSerializer.Deserialize(record.Data.Span, UsageJson.Default.UsageDocument);
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("monitoring.unreadable_usage", $"The {where} is none of use: {error.Message} Nothing else may be written to that log.", error);
        }

        return read switch
        {
            { Format: > CurrentFormat } => throw new MlopsIntegrityException("monitoring.newer_format", $"The {where} has format {read.Format}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process."),
            { Format: CurrentFormat, Rows: not null, Currency: not null } when read.Hour == UsageLog.HourOf(record.Time) && read.Rows.All(r => r is not null && r.IsSound()) => read,
            _ => throw new MlopsIntegrityException("monitoring.unreadable_usage", $"The {where} has numbers that no counting gives. Nothing else may be written to that log."),
        };
    }

    internal static bool Sound(long number) => number is >= 0 and <= MaxNumber;
}

/// <summary>The counts of one key; the buckets as pairs of number and count.</summary>
internal sealed record UsageDocumentRow(
    [property: JsonPropertyName("m")] string Model,
    [property: JsonPropertyName("v")] int Version,
    [property: JsonPropertyName("c")] string? Caller,
    [property: JsonPropertyName("e")] string? Error,
    [property: JsonPropertyName("n")] long Calls,
    [property: JsonPropertyName("r")] long RowCount,
    [property: JsonPropertyName("t")] long Busy,
    [property: JsonPropertyName("x")] long Longest,
    [property: JsonPropertyName("b")] long[] Latency,
    [property: JsonPropertyName("cost")] decimal Cost)
{
    internal bool IsSound()
    {
        if (Model is null || Latency is null || Cost is < 0 or > 1_000_000_000_000_000_000m || !UsageDocument.Sound(Calls) || !UsageDocument.Sound(RowCount) || !UsageDocument.Sound(Busy) || !UsageDocument.Sound(Longest) || Latency.Length % 2 != 0 || Latency.Length > 2 * LatencyHistogram.Buckets)
        {
            return false;
        }

        long counted = 0;
        for (int i = 0; i < Latency.Length; i += 2)
        {
            if (Latency[i] is < 0 or >= LatencyHistogram.Buckets || !UsageDocument.Sound(Latency[i + 1]))
            {
                return false;
            }

            counted += Latency[i + 1];
        }

        return counted == Calls;
    }

    internal void AddTo(UsageCounts counts)
    {
        (counts.Calls, counts.Rows, counts.Busy, counts.Longest) = (counts.Calls + Calls, counts.Rows + RowCount, counts.Busy + Busy, Math.Max(counts.Longest, Longest));
        for (int i = 0; i < Latency.Length; i += 2)
        {
            counts.Latency.Add((int)Latency[i], Latency[i + 1]);
        }
    }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = false, MaxDepth = 6)]
[JsonSerializable(typeof(UsageDocument))]
internal sealed partial class UsageJson : JsonSerializerContext;
