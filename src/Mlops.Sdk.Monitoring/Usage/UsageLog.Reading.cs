using System.Runtime.InteropServices;

namespace Mlops.Sdk.Monitoring;

public sealed partial class UsageLog
{
    /// <summary>Asks what was used: by all processes that write to the store, verified against the ledger. What this process counted is written first; other processes are at most one flush interval late.</summary>
    /// <param name="query">Which calls, and what they are told apart by; null for all by hour and version.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The calls.</returns>
    /// <exception cref="MlopsIntegrityException">
    /// A segment is missing or not what was written (<c>records.missing</c>, <c>records.corrupt</c>), or a record is none of use (<c>monitoring.unreadable_usage</c>) or of a newer format (<c>monitoring.newer_format</c>).
    /// </exception>
    public async ValueTask<UsageTable> QueryAsync(UsageQuery? query = null, CancellationToken cancellationToken = default)
    {
        query ??= new UsageQuery();
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        var sum = new UsageSum(query.By);
        DateTimeOffset? from = query.From is { } first ? TimeOf(HourOf(first)) : null;
        DateTimeOffset? to = query.To is { } end ? TimeOf(HourOf(end.AddTicks(-1)) + 1) : null;
        await foreach (StoredRecord record in _logs.Get(LogName).ReadAsync(from, to, RecordOrder.Writer, cancellationToken).ConfigureAwait(false))
        {
            UsageDocument document = UsageDocument.Read(record);
            foreach (UsageDocumentRow row in document.Rows)
            {
                if ((query.Model is null || row.Model == query.Model) && (query.Version is null || row.Version == query.Version) && (query.Caller is null || row.Caller == query.Caller))
                {
                    sum.Add(document, row);
                }
            }
        }

        return new UsageTable(sum.Rows(), query.By);
    }

    /// <summary>Adds up what was written about a model in a span of time, its beginning excluded and its end included: spans that follow each other count each call once.</summary>
    internal async ValueTask<UsageSum> SumAsync(string model, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        DateTimeOffset now = _time.GetUtcNow();
        bool justClosed = to <= now && now - to <= _options.FlushInterval;
        await FlushAsync(justClosed ? to : now, cancellationToken).ConfigureAwait(false); // calls up to the end of a span that has just closed belong to it
        var sum = new UsageSum(UsageParts.Version | UsageParts.Caller | UsageParts.Error);
        await foreach (StoredRecord record in _logs.Get(LogName).ReadAsync(from.AddTicks(1), to.AddTicks(1), RecordOrder.Writer, cancellationToken).ConfigureAwait(false))
        {
            UsageDocument document = UsageDocument.Read(record);
            foreach (UsageDocumentRow row in document.Rows.Where(r => r.Model == model))
            {
                sum.Add(document, row);
            }
        }

        return sum;
    }
}

/// <summary>Adds up stored counts by some of their parts.</summary>
internal sealed class UsageSum(UsageParts by)
{
    private readonly Dictionary<UsageKey, Part> _parts = [];

    internal void Add(UsageDocument document, UsageDocumentRow row)
    {
        var key = new UsageKey(
            by.HasFlag(UsageParts.Hour) ? document.Hour : 0,
            row.Model,
            by.HasFlag(UsageParts.Version) ? row.Version : 0,
            by.HasFlag(UsageParts.Caller) ? row.Caller : null,
            by.HasFlag(UsageParts.Error) ? row.Error : null);
        ref Part? part = ref CollectionsMarshal.GetValueRefOrAddDefault(_parts, key, out _);
        part ??= new Part();
        row.AddTo(part.Counts);
        part.Errors += row.Error is null ? 0 : row.Calls;
        if (row.Cost != 0)
        {
            part.Costs[document.Currency] = part.Costs.GetValueOrDefault(document.Currency) + row.Cost;
        }
    }

    internal IReadOnlyList<UsageRow> Rows() =>
    [
        .. _parts
            .OrderBy(p => p.Key.Model, StringComparer.Ordinal).ThenBy(p => p.Key.Hour).ThenBy(p => p.Key.Version)
            .ThenBy(p => p.Key.Caller, StringComparer.Ordinal).ThenBy(p => p.Key.Error, StringComparer.Ordinal)
            .Select(p => new UsageRow(p.Key, by, p.Value.Counts, p.Value.Errors, [.. p.Value.Costs.Select(c => new UsageCost(c.Key, c.Value)).OrderBy(c => c.Currency, StringComparer.Ordinal)])),
    ];

    private sealed class Part
    {
        internal UsageCounts Counts { get; } = new();

        internal long Errors { get; set; }

        internal Dictionary<string, decimal> Costs { get; } = new(StringComparer.Ordinal);
    }
}
