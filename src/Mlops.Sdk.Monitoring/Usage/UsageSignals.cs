namespace Mlops.Sdk.Monitoring;

/// <summary>Says of each window how its version was used: calls, rows, callers, errors, latency, cost.</summary>
internal sealed class UsageSignals(UsageLog log) : ISignalSource
{
    public async ValueTask<IReadOnlyList<MonitorSignal>> MeasureAsync(ClosedWindow closed, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(closed);
        MonitorWindow window = closed.Window;
        if (!log.ObservesCalls || window.To <= window.From)
        {
            return []; // nobody counts, or the rows did not come by calls, as when files are compared
        }

        UsageSum all = await log.SumAsync(window.Model, window.From, window.To, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<UsageRow> rows = all.Rows();
        UsageRow[] own = [.. rows.Where(r => r.Version == window.Version)];
        var total = new UsageCounts();
        long errors = 0;
        foreach (UsageRow row in own)
        {
            row.AddTo(total);
            errors += row.Errors;
        }

        List<MonitorSignal> signals =
        [
            Signal("calls", total.Calls),
            Signal("unanswered", rows.Where(r => r.Version == 0).Sum(r => r.Calls)),
        ];
        if (total.Calls > 0)
        {
            (double low, double high) = Wilson(errors, total.Calls);
            signals.Add(Signal("rows", total.Rows));
            signals.Add(Signal("callers", own.Where(r => r.Caller is not null).Select(r => r.Caller).Distinct(StringComparer.Ordinal).Count()));
            signals.Add(Signal("error_share", (double)errors / total.Calls) with { Low = low, High = high });
            foreach ((string name, double share) in new[] { ("latency_p50_ms", 0.5), ("latency_p95_ms", 0.95), ("latency_p99_ms", 0.99) })
            {
                signals.Add(Signal(name, Math.Min(total.Longest, total.Latency.AtShare(share)) / TimeSpan.TicksPerMillisecond));
            }

            foreach (IGrouping<string, UsageCost> cost in own.SelectMany(r => r.Costs).GroupBy(c => c.Currency, StringComparer.Ordinal))
            {
                signals.Add(Signal("cost", (double)cost.Sum(c => c.Amount), cost.Key));
            }
        }

        return signals;

        MonitorSignal Signal(string measure, double value, string? of = null) => new()
        {
            Model = window.Model,
            Version = window.Version,
            Name = SignalNames.Of(SignalNames.Usage, measure, of),
            From = window.From,
            To = window.To,
            Rows = total.Calls,
            Value = value,
        };
    }

    /// <summary>The 95 % interval of a share.</summary>
    /// <remarks>Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22, 1927.</remarks>
    private static (double Low, double High) Wilson(long hits, long calls)
    {
        const double z = 1.959963984540054;
        double n = calls, p = hits / n, z2 = z * z;
        double middle = (p + (z2 / (2 * n))) / (1 + (z2 / n));
        double half = z / (1 + (z2 / n)) * Math.Sqrt((p * (1 - p) / n) + (z2 / (4 * n * n)));
        return (Math.Max(0, middle - half), Math.Min(1, middle + half));
    }
}
