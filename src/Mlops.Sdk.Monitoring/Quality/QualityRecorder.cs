using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Counts what is wrong with raw rows before they are encoded for a model: types, missing values, duplicates, rules of the contract, event times. Thread-safe; memory is bounded.</summary>
/// <remarks>
/// For batches: jobs that score files, queues, endpoints that validate what comes in. What a batch adds is counted outside the lock and
/// merged once. Counts live in this process until they are taken: when it is killed they are gone, while windows are kept by the recorder
/// of predictions.
/// </remarks>
/// <param name="time">The clock.</param>
public sealed class QualityRecorder(TimeProvider time)
{
    private const int MostModels = 1_024;
    private const int MostColumns = 4_096;
    private const int MostRules = 1_024;
    private const string OtherRules = "(other rules)";
    private const string OtherModels = "(other models)";
    private readonly ConcurrentDictionary<string, Counts> _models = new(StringComparer.Ordinal);
    private readonly TimeProvider _time = time ?? throw new ArgumentNullException(nameof(time));

    /// <summary>Counts a batch of raw rows.</summary>
    /// <param name="model">The model that they are for.</param>
    /// <param name="batch">The rows with their columns as they came.</param>
    /// <param name="eventTime">The column that says when a row's event happened, a time; null when there is none.</param>
    /// <exception cref="MlopsDataException">There is no such column (<c>data.column_missing</c>), or it is no time (<c>data.column_kind</c>).</exception>
    public void Record(string model, Table batch, string? eventTime = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(batch);
        Counts counts = Count(batch, eventTime);
        Merge(model, counts);
    }

    /// <summary>Checks a batch of records against a contract, counts the rows that break each rule, and counts the rows as <see cref="Record(string, Table, string?)"/> does.</summary>
    /// <typeparam name="T">The record.</typeparam>
    /// <param name="model">The model that they are for.</param>
    /// <param name="batch">The records.</param>
    /// <param name="contract">What they must be.</param>
    /// <param name="eventTime">The member that says when a row's event happened, or null.</param>
    /// <returns>How many rows break at least one rule.</returns>
    /// <exception cref="MlopsDataException">The record cannot be columns (<c>data.unsupported_type</c>), or has no such member (<c>data.column_missing</c>, <c>data.column_kind</c>).</exception>
    public long Record<T>(string model, IReadOnlyList<T> batch, DataContract<T> contract, string? eventTime = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(contract);
        Counts counts = Count(batch.ToTable(), eventTime);
        long broken = 0;
        foreach (T row in batch)
        {
            bool any = false;
            foreach ((string rule, Func<T, string?> check) in contract.Checks)
            {
                if (check(row) is not null)
                {
                    any = true;
                    counts.Violate(rule, 1);
                }
            }

            broken += any ? 1 : 0;
        }

        counts.ContractRows = batch.Count;
        foreach (string rule in contract.Rules)
        {
            counts.Violate(rule, 0); // a rule that nobody breaks is told too
        }

        Merge(model, counts);
        return broken;
    }

    /// <summary>Counts what a contract found when it read a source: for each row the first rule that it breaks.</summary>
    /// <typeparam name="T">The record.</typeparam>
    /// <param name="model">The model that the rows are for.</param>
    /// <param name="result">What the contract found.</param>
    public void Record<T>(string model, ContractResult<T> result)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(result);
        var counts = new Counts { ContractRows = result.Rows };
        foreach ((string rule, long rows) in result.Counts)
        {
            counts.Violate(rule, rows);
        }

        Merge(model, counts);
    }

    /// <summary>Takes what was counted for a model since the last time.</summary>
    /// <param name="model">The model.</param>
    /// <returns>The counts, or null when nothing was recorded.</returns>
    public RawQuality? Take(string model)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        return _models.TryRemove(model, out Counts? counts) ? counts.Close() : null;
    }

    /// <summary>Counts a table without a recorder.</summary>
    /// <param name="table">The rows.</param>
    /// <returns>The counts.</returns>
    public static RawQuality Of(Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return Count(table, eventTime: null).Close();
    }

    private static Counts Count(Table batch, string? eventTime)
    {
        var counts = new Counts { Rows = batch.Rows };
        ulong[] hashes = new ulong[batch.Rows];
        foreach (Column column in batch.Columns)
        {
            if (counts.Columns.Count < MostColumns)
            {
                counts.Columns.Add(column.Name, CountColumn(column));
            }

            HashColumn(column, hashes);
        }

        foreach (ulong hash in hashes)
        {
            counts.Sample.Add(Mix(hash));
        }

        if (eventTime is not null)
        {
            counts.NewestEvent = batch[eventTime] is TimeColumn times
                ? times.Ticks.Where(t => t != TimeColumn.Missing).DefaultIfEmpty(TimeColumn.Missing).Max()
                : throw new MlopsDataException("data.column_kind", $"'{eventTime}' should say when a row's event happened; the column is a {batch[eventTime].GetType().Name}. Name a date or time.");
        }

        return counts;
    }

    private static RawColumnQuality CountColumn(Column column)
    {
        switch (column)
        {
            case NumberColumn number:
                long missing = number.Values.LongCount(double.IsNaN);
                return new RawColumnQuality(column.Name, missing, column.Rows - missing, number.Values.LongCount(double.IsInfinity), 0, 0, 0);
            case TimeColumn time:
                long none = time.Ticks.LongCount(t => t == TimeColumn.Missing);
                return new RawColumnQuality(column.Name, none, 0, 0, 0, 0, column.Rows - none);
            default:
                var text = (TextColumn)column;
                bool[] numeric = Array.ConvertAll(text.Dictionary, ReadsAsNumber);
                long empty = 0;
                long reads = 0;
                foreach (int code in text.Codes)
                {
                    empty += code < 0 ? 1 : 0;
                    reads += code >= 0 && numeric[code] ? 1 : 0;
                }

                return new RawColumnQuality(column.Name, empty, 0, 0, column.Rows - empty, reads, 0);
        }
    }

    internal static bool ReadsAsNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static void HashColumn(Column column, ulong[] hashes)
    {
        ulong seed = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(column.Name));
        switch (column)
        {
            case NumberColumn number:
                for (int i = 0; i < hashes.Length; i++)
                {
                    double value = number.Values[i];
                    hashes[i] += double.IsNaN(value) ? Mix(~seed) : Mix(seed ^ (ulong)BitConverter.DoubleToInt64Bits(value == 0 ? 0 : value));
                }

                break;
            case TimeColumn time:
                for (int i = 0; i < hashes.Length; i++)
                {
                    hashes[i] += Mix(seed ^ (ulong)time.Ticks[i]);
                }

                break;
            default:
                var text = (TextColumn)column;
                ulong[] texts = Array.ConvertAll(text.Dictionary, t => Mix(seed ^ XxHash3.HashToUInt64(MemoryMarshal.AsBytes(t.AsSpan()))));
                for (int i = 0; i < hashes.Length; i++)
                {
                    hashes[i] += text.Codes[i] < 0 ? Mix(~seed) : texts[text.Codes[i]];
                }

                break;
        }
    }

    /// <summary>Spreads 64 bits: the finaliser of SplitMix64 (G. Steele, D. Lea, C. Flood, 2014). Columns are told apart by their names, so their order does not matter.</summary>
    private static ulong Mix(ulong bits)
    {
        bits += 0x9E3779B97F4A7C15;
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    }

    private void Merge(string model, Counts batch)
    {
        batch.NewestRow = _time.GetUtcNow();
        string name = _models.Count < MostModels || _models.ContainsKey(model) ? model : OtherModels;
        while (true)
        {
            if (_models.GetOrAdd(name, _ => new Counts()).TryAdd(batch))
            {
                return;
            }
        }
    }

    /// <summary>What was counted; also the total of a model, under its lock.</summary>
    private sealed class Counts
    {
        private readonly Lock _gate = new();
        private bool _closed;

        internal long Rows { get; set; }

        internal long ContractRows { get; set; }

        internal long NewestEvent { get; set; } = TimeColumn.Missing;

        internal DateTimeOffset? NewestRow { get; set; }

        internal RowSample Sample { get; } = new();

        internal Dictionary<string, RawColumnQuality> Columns { get; } = new(StringComparer.Ordinal);

        private Dictionary<string, long> Violations { get; } = new(StringComparer.Ordinal);

        internal void Violate(string rule, long rows)
        {
            string name = Violations.Count < MostRules || Violations.ContainsKey(rule) ? rule : OtherRules;
            Violations[name] = Violations.GetValueOrDefault(name) + rows;
        }

        internal bool TryAdd(Counts batch)
        {
            lock (_gate)
            {
                if (_closed)
                {
                    return false; // taken in between: the batch goes to the next counts
                }

                Rows += batch.Rows;
                ContractRows += batch.ContractRows;
                NewestEvent = Math.Max(NewestEvent, batch.NewestEvent);
                NewestRow = NewestRow is null || batch.NewestRow > NewestRow ? batch.NewestRow : NewestRow;
                Sample.Add(batch.Sample);
                foreach ((string rule, long rows) in batch.Violations)
                {
                    Violate(rule, rows);
                }

                foreach ((string name, RawColumnQuality c) in batch.Columns)
                {
                    if (Columns.TryGetValue(name, out RawColumnQuality? sum))
                    {
                        Columns[name] = new RawColumnQuality(name, sum.Missing + c.Missing, sum.Numbers + c.Numbers, sum.Infinite + c.Infinite, sum.Texts + c.Texts, sum.NumericTexts + c.NumericTexts, sum.Times + c.Times);
                    }
                    else if (Columns.Count < MostColumns)
                    {
                        Columns.Add(name, c);
                    }
                }

                return true;
            }
        }

        internal RawQuality Close()
        {
            lock (_gate)
            {
                _closed = true;
                return new RawQuality
                {
                    Rows = Rows,
                    Columns = [.. Columns.Values],
                    ContractRows = ContractRows,
                    Violations = new SortedDictionary<string, long>(Violations, StringComparer.Ordinal),
                    DistinctRows = Sample.Distinct,
                    DistinctIsExact = Sample.IsExact,
                    NewestRow = NewestRow,
                    NewestEvent = NewestEvent == TimeColumn.Missing ? null : new DateTimeOffset(NewestEvent, TimeSpan.Zero),
                };
            }
        }
    }
}
