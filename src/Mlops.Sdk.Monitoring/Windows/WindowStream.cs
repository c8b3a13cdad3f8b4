using System.Runtime.CompilerServices;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>A row and when it happened.</summary>
/// <param name="Time">When it happened.</param>
/// <param name="Numbers">The number inputs, shape [number inputs]; NaN for a missing one.</param>
/// <param name="Texts">The text inputs, shape [text inputs]; null for a missing one.</param>
/// <param name="Outputs">The answers, shape [outputs]; empty when they are not known.</param>
/// <param name="Route">The way the call took, or null.</param>
public sealed record TimedRow(DateTimeOffset Time, float[] Numbers, string?[] Texts, float[] Outputs, string? Route = null);

/// <summary>Counts a stream of rows into windows by when they happened. No row is stored. Not thread-safe.</summary>
/// <remarks>
/// A window closes when a row comes that happened more than the allowed lateness after the window's end; a row of a window that has closed
/// is counted as <see cref="MonitorWindow.Late"/> in the next one that closes, and in no feature. Memory is that of the open windows' counts.
/// Ids are made of the counts: the same rows give the same windows, and sketches and samples are made by one fixed seed.
/// </remarks>
public sealed class WindowStream
{
    private const int MostOpen = 10_000;

    private readonly RecordingPlan _plan;
    private readonly WindowKind _kind;
    private readonly TimeSpan _lateness;
    private readonly WindowRoller _roller;
    private readonly SortedDictionary<DateTimeOffset, Pane> _open = [];
    private Pane? _last;
    private DateTimeOffset _newest = DateTimeOffset.MinValue;
    private DateTimeOffset _closed = DateTimeOffset.MinValue; // everything before it is closed
    private long _late;

    /// <summary>Creates a counter.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="schema">What the model takes and gives.</param>
    /// <param name="profile">The version's reference. Leave its outputs out when rows have none.</param>
    /// <param name="kind">How windows are cut.</param>
    /// <param name="lateness">How much later than a newer row a row may come; 0 when rows come in order.</param>
    /// <param name="options">What is kept besides counts, and segments; null for the defaults.</param>
    /// <exception cref="MlopsDataException">The reference does not fit the schema; code <c>monitoring.profile_mismatch</c>.</exception>
    public WindowStream(string model, int version, ModelSchema schema, ReferenceProfile profile, WindowKind kind, TimeSpan lateness = default, RecordingOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(kind);
        ArgumentOutOfRangeException.ThrowIfLessThan(lateness, TimeSpan.Zero);
        _plan = RecordingPlan.Create(model, version, schema, profile, Digest.Of(profile.Serialize()), options);
        (_kind, _lateness) = (kind, lateness);
        _roller = new WindowRoller(kind, () => "-");
    }

    /// <summary>Gets how many rows came too late.</summary>
    public long Late { get; private set; }

    /// <summary>Gets how many rows were counted.</summary>
    public long Rows { get; private set; }

    internal RecordingPlan Plan => _plan;

    /// <summary>Counts a row.</summary>
    /// <param name="time">When it happened.</param>
    /// <param name="row">The row as the model saw it.</param>
    /// <param name="outputs">The outputs, in the schema's order; not looked at when the reference has none.</param>
    /// <param name="route">The way the call took, or null.</param>
    /// <returns>The windows that closed, oldest first; mostly none.</returns>
    public IReadOnlyList<MonitorWindow> Add(DateTimeOffset time, in ModelRow row, ReadOnlySpan<float> outputs, string? route = null)
    {
        if (_kind.Rows > 0)
        {
            return AddByCount(time, row, outputs, route);
        }

        if (time < _closed)
        {
            Late++;
            _late++;
            return [];
        }

        Pane pane = _last is { } last && time >= last.From && time < last.To ? last : PaneOf(time);
        pane.Count(row, outputs, route);
        Rows++;
        if (time <= _newest)
        {
            return [];
        }

        _newest = time;
        return _open.Count > 1 && time.UtcTicks > _lateness.Ticks ? CloseUntil(time - _lateness) : [];
    }

    /// <summary>Ends the stream.</summary>
    /// <returns>The windows that were open, oldest first.</returns>
    public IReadOnlyList<MonitorWindow> Complete()
    {
        List<MonitorWindow> done = CloseUntil(DateTimeOffset.MaxValue);
        done.AddRange(Identify(_roller.End()));
        return done;
    }

    /// <summary>Counts rows as they come, one at a time, so that a bounded channel or a slow reader slows the writer down.</summary>
    /// <param name="rows">The rows, such as those of <c>ChannelReader.ReadAllAsync</c>.</param>
    /// <param name="cancellationToken">Stops the counting.</param>
    /// <returns>The windows as they close, and at the end those that are open.</returns>
    public async IAsyncEnumerable<MonitorWindow> CountAsync(IAsyncEnumerable<TimedRow> rows, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rows);
        await foreach (TimedRow row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            foreach (MonitorWindow window in Add(row.Time, new ModelRow(row.Numbers, row.Texts), row.Outputs, row.Route))
            {
                yield return window;
            }
        }

        foreach (MonitorWindow window in Complete())
        {
            yield return window;
        }
    }

    private List<MonitorWindow> AddByCount(DateTimeOffset time, in ModelRow row, ReadOnlySpan<float> outputs, string? route)
    {
        if (_last is not { } pane)
        {
            _open[time] = _last = pane = new Pane(_plan, time, time);
        }

        pane.Count(row, outputs, route);
        pane.Widen(time);
        Rows++;
        return pane.Rows >= _kind.Rows ? CloseUntil(DateTimeOffset.MaxValue) : [];
    }

    private Pane PaneOf(DateTimeOffset time)
    {
        (DateTimeOffset from, DateTimeOffset to) = _kind.SpanOf(time);
        if (!_open.TryGetValue(from, out Pane? pane))
        {
            pane = _open.Count < MostOpen
                ? new Pane(_plan, from, to)
                : throw new MlopsDataException("monitoring.too_many_windows", $"{MostOpen} windows are open at once: rows lie further apart than {_lateness} of lateness and windows of {_kind.Name} allow. Sort the rows, or allow less lateness.");
            _open.Add(from, pane);
        }

        return _last = pane;
    }

    private List<MonitorWindow> CloseUntil(DateTimeOffset watermark)
    {
        var done = new List<MonitorWindow>();
        while (_open.Count > 0)
        {
            (DateTimeOffset from, Pane pane) = _open.First();
            if (pane.To > watermark)
            {
                break;
            }

            _open.Remove(from);
            _last = ReferenceEquals(_last, pane) ? null : _last;
            _closed = _kind.Rows > 0 ? _closed : pane.To;
            done.AddRange(Identify(_roller.AddWhole(pane.Window(_late))));
            _late = 0;
        }

        return done;
    }

    /// <summary>Makes ids of the counts, so that the same rows are the same windows.</summary>
    private static IEnumerable<MonitorWindow> Identify(IEnumerable<MonitorWindow> windows) => windows.Select(window =>
    {
        string id = Digest.Of((window with { Id = "-", Segments = [.. window.Segments.Select(s => s with { Id = "-" })] }).Serialize()).Hex[..32];
        return window with { Id = id, Segments = [.. window.Segments.Select(s => s with { Id = id })] };
    });

    /// <summary>A span of time whose rows are being counted.</summary>
    private sealed class Pane(RecordingPlan plan, DateTimeOffset from, DateTimeOffset to)
    {
        private readonly LaneCounts?[] _cells = new LaneCounts?[plan.Segments?.Cells ?? 1];
        private long _notRecorded;

        internal DateTimeOffset From { get; private set; } = from;

        internal DateTimeOffset To { get; private set; } = to;

        internal long Rows { get; private set; }

        internal void Count(in ModelRow row, ReadOnlySpan<float> outputs, string? route)
        {
            int cell = plan.Segments?.CellOf(row.Texts, route) ?? 0;
            Rows++;
            if (!plan.Count(_cells[cell] ??= new LaneCounts(plan, SketchBytes.Mix((ulong)From.UtcTicks ^ (uint)cell)), row.Numbers, row.Texts, outputs))
            {
                _notRecorded++;
            }
        }

        internal void Widen(DateTimeOffset time)
        {
            From = time < From ? time : From;
            To = time > To ? time : To;
        }

        internal MonitorWindow Window(long late) => WindowCounting.Window(plan, _cells, "-", From, To, _notRecorded) with { Late = late };
    }
}
