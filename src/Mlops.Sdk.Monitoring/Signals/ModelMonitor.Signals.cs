using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Monitoring;

/// <content>Signals: measured, stored, read.</content>
public sealed partial class ModelMonitor
{
    private readonly SignalBook _signals = new();

    /// <summary>Takes in signals that were measured apart from windows, such as those of truth that came late: they are stored, committed by digest, and judged by the model's policies.</summary>
    /// <param name="signals">The signals, any models; those about a version older than the one that windows are of are stored and not judged.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The alerts that were raised. Reporting the same signals again writes nothing.</returns>
    /// <exception cref="MlopsException">A signal is not one; code <c>monitoring.invalid_signal</c>.</exception>
    public async ValueTask<IReadOnlyList<MonitorAlert>> ReportAsync(IReadOnlyList<MonitorSignal> signals, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(signals);
        foreach (MonitorSignal signal in signals)
        {
            if (SignalDocument.WhyNot(signal) is { } why)
            {
                throw new MlopsException("monitoring.invalid_signal", $"The signal '{signal.Name}' of model '{signal.Model}' cannot be taken in: {why}.");
            }
        }

        var raised = new List<MonitorAlert>();
        foreach (IGrouping<string, MonitorSignal> model in signals.GroupBy(s => s.Model, StringComparer.Ordinal))
        {
            foreach (MonitorSignal[] part in model.OrderBy(s => s.To).ThenBy(s => s.From).Chunk(SignalDocument.MostSignals))
            {
                raised.AddRange(await ReportAsync(model.Key, part, cancellationToken).ConfigureAwait(false));
            }
        }

        return raised;
    }

    /// <summary>Reads the signals of a model that any host stored, each document checked against the digest on the ledger.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="name">A name, or a pattern with <c>*</c>; null for all.</param>
    /// <param name="from">Signals whose span ends at or after this; null for no bound.</param>
    /// <param name="to">Signals whose span ends before this; null for no bound.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The signals in the order of the ledger. Memory is that of one document.</returns>
    /// <exception cref="MlopsIntegrityException">A document is not what was written; code <c>monitoring.unreadable_signals</c> or <c>monitoring.newer_format</c>.</exception>
    public async IAsyncEnumerable<MonitorSignal> SignalsAsync(string model, string? name = null, DateTimeOffset? from = null, DateTimeOffset? to = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        DateTimeOffset first = from ?? DateTimeOffset.MinValue;
        DateTimeOffset last = to ?? DateTimeOffset.MaxValue;
        await _ledger.AttachAsync(_signals, cancellationToken).ConfigureAwait(false);
        await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
        foreach (SignalBook.Span span in _signals.Of(model, first, last))
        {
            foreach (MonitorSignal signal in await ReadSignalsAsync(span, cancellationToken).ConfigureAwait(false))
            {
                if (signal.To >= first && signal.To < last && (name is null || AlertJudge.Like(name, signal.Name)))
                {
                    yield return signal;
                }
            }
        }
    }

    private async ValueTask<IReadOnlyList<MonitorAlert>> ReportAsync(string model, MonitorSignal[] signals, CancellationToken cancellationToken)
    {
        await _ledger.AttachAsync(_book, cancellationToken).ConfigureAwait(false);
        SignalsNote stored = await StoreSignalsAsync(model, signals, cancellationToken).ConfigureAwait(false);
        string id = stored.Digest.Hex[..32]; // the same signals are the same report
        var note = new SignalsReportedNote(id, model, signals.Min(s => s.From), signals.Max(s => s.To), stored);
        IReadOnlyList<AlertPolicy> policies = PoliciesOf(model);
        LedgerReceipt receipt = await _ledger.AppendAsync(
            $"monitor:{model}",
            () =>
            {
                AlertBook.ModelState state = _book.Of(model);
                if (state.Windows.Contains(id))
                {
                    return [];
                }

                AlertDecision decision = AlertDecision.Of(state, policies, [.. signals.Where(s => s.Version == 0 || s.Version >= state.Newest)], id, [], _time.GetUtcNow(), actor: null);
                return [.. decision.Drafts, ReportDraft(note with { Series = decision.Series })]; // what stands after all of it comes last
            },
            cancellationToken).ConfigureAwait(false);
        return TellRaised(model, receipt);
    }

    private static LedgerDraft ReportDraft(SignalsReportedNote note) =>
        AlertDecision.Draft(MonitoringKinds.SignalsReported, note.Model, null, $"{note.Signals.Count} signals from {note.From:u} to {note.To:u}.", note, MonitoringJson.Default.SignalsReportedNote, null) with { Id = $"signals:{note.ReportId}" };

    /// <summary>Asks every source; what fails is logged and left out.</summary>
    private async ValueTask<List<MonitorSignal>> MeasureAsync(ClosedWindow closed, CancellationToken cancellationToken)
    {
        List<MonitorSignal> all = [.. ReportSignals.Of(closed.Report)];
        HashSet<(string, string?)> there = [.. all.Select(s => (s.Name, s.Segment))];
        foreach (ISignalSource source in _extensions.Sources())
        {
            try
            {
                foreach (MonitorSignal signal in await source.MeasureAsync(closed, cancellationToken).ConfigureAwait(false))
                {
                    if (signal.Model != closed.Window.Model || SignalDocument.WhyNot(signal) is not null)
                    {
                        _logger.BadSignal(closed.Window.Model, source.GetType().Name, signal.Name);
                    }
                    else if (all.Count < SignalDocument.MostSignals && there.Add((signal.Name, signal.Segment)))
                    {
                        all.Add(signal);
                    }
                }
            }
            catch (Exception e) when (e is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
            {
                _logger.SourceFailed(closed.Window.Model, source.GetType().Name, e);
            }
        }

        return all;
    }

    private async ValueTask<SignalsNote> StoreSignalsAsync(string model, IReadOnlyList<MonitorSignal> signals, CancellationToken cancellationToken)
    {
        byte[] bytes = SignalDocument.Write(model, signals);
        Digest digest = Digest.Of(bytes);
        using var content = new MemoryStream(bytes, writable: false);
        await _store.PutAsync(SignalDocument.KeyOf(digest), content, PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
        return new SignalsNote(digest, bytes.Length, signals.Count);
    }

    private async ValueTask<IReadOnlyList<MonitorSignal>> ReadSignalsAsync(SignalBook.Span span, CancellationToken cancellationToken)
    {
        ObjectKey key = SignalDocument.KeyOf(span.Digest);
        if (span.Length is < 0 or > SignalDocument.MaxBytes)
        {
            throw new MlopsIntegrityException("monitoring.unreadable_signals", $"The ledger says that '{key}' has {span.Length} bytes; at most {SignalDocument.MaxBytes} are accepted.");
        }

        Stream stream = await _store.OpenAsync(key, null, cancellationToken).ConfigureAwait(false)
            ?? throw new MlopsIntegrityException("monitoring.unreadable_signals", $"The object '{key}', which the ledger names, is not in the {_store.Description}. Restore it from a copy.");
        await using (stream.ConfigureAwait(false))
        {
            byte[] bytes = new byte[span.Length];
            int read = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            return SignalDocument.Read(bytes.AsSpan(0, read), span.Digest);
        }
    }
}
