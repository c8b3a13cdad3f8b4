using System.Collections.Concurrent;

namespace Mlops.Sdk.Monitoring;

/// <summary>Judges the rows of every window that closes, and how many rows come at all. Thread-safe.</summary>
/// <remarks>
/// As an <see cref="ISignalSource"/> it turns each window's report into signals <c>quality.*</c>. Rows per hour are counted from the windows
/// of all hosts, by the ledger. Where no row comes no window closes: call <see cref="CheckArrivalAsync"/> now and then to notice.
/// </remarks>
/// <param name="ledger">Where closed windows are found.</param>
/// <param name="recorder">What counts raw rows.</param>
/// <param name="time">The clock.</param>
/// <param name="options">When rows count as bad; null for the defaults.</param>
public sealed class QualityMonitor(ILedger ledger, QualityRecorder recorder, TimeProvider time, QualityOptions? options = null) : ISignalSource
{
    private const int MostReports = 1_024;
    private readonly ILedger _ledger = ledger ?? throw new ArgumentNullException(nameof(ledger));
    private readonly QualityRecorder _recorder = recorder ?? throw new ArgumentNullException(nameof(recorder));
    private readonly TimeProvider _time = time ?? throw new ArgumentNullException(nameof(time));
    private readonly QualityOptions _options = options ?? new QualityOptions();
    private readonly VolumeBook _book = new();
    private readonly ConcurrentDictionary<string, QualityReport> _last = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _arrivals = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<MonitorSignal>> MeasureAsync(ClosedWindow closed, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(closed);
        string model = closed.Window.Model;
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = _time.GetUtcNow();
        QualityReport report = DataQuality.Check(closed.Profile, closed.Window, _options, _recorder.Take(model), _book.Judge(model, now, _options.VolumeBand), now);
        if (_last.Count < MostReports || _last.ContainsKey(model))
        {
            _last[model] = report;
        }

        return report.ToSignals();
    }

    /// <summary>Gets the report about the window of a model that closed last in this process.</summary>
    /// <param name="model">The model's name.</param>
    /// <returns>The report, or null when none closed yet.</returns>
    public QualityReport? LastReport(string model)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        return _last.GetValueOrDefault(model);
    }

    /// <summary>Judges whether rows come as usual: the last whole hour against the same hours before, and the time since the newest window with rows. Counts the windows of all hosts.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The measures <see cref="QualityKind.Volume"/> and <see cref="QualityKind.Age"/>; fewer while too little is known.</returns>
    public async ValueTask<IReadOnlyList<QualityMeasure>> CheckArrivalAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = _time.GetUtcNow();
        var measures = new List<QualityMeasure>();
        if (_book.Judge(model, now, _options.VolumeBand) is { } volume)
        {
            measures.Add(DataQuality.Measure(volume));
        }

        DataQuality.AddAge(measures, QualityKind.Age, _book.NewestOf(model), _options.MaximumAge, now, "The newest window with rows ended", 0);
        return measures;
    }

    /// <summary>Measures whether rows come as usual, once for each whole hour, and tells it when it is not fine: the same numbers on every host, so that they are reported once.</summary>
    internal async ValueTask<IReadOnlyList<MonitorSignal>> ArrivalSignalsAsync(string model, CancellationToken cancellationToken)
    {
        DateTimeOffset now = _time.GetUtcNow();
        DateTimeOffset hour = new(now.Ticks - (now.Ticks % TimeSpan.TicksPerHour), TimeSpan.Zero);
        if (_arrivals.GetValueOrDefault(model) == hour)
        {
            return [];
        }

        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        _arrivals[model] = hour;
        var measures = new List<QualityMeasure>();
        if (_book.Judge(model, hour, _options.VolumeBand) is { } volume)
        {
            measures.Add(DataQuality.Measure(volume));
        }

        DataQuality.AddAge(measures, QualityKind.Age, _book.NewestOf(model), _options.MaximumAge, hour, "The newest window with rows ended", 0);
        return measures.Exists(m => m.Severity != QualitySeverity.Fine)
            ? new QualityReport { Model = model, Version = 0, From = hour.AddHours(-1), To = hour, Rows = 0, Measures = measures }.ToSignals()
            : [];
    }

    private async ValueTask RefreshAsync(CancellationToken cancellationToken)
    {
        await _ledger.AttachAsync(_book, cancellationToken).ConfigureAwait(false);
        await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }
}
