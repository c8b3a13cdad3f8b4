namespace Mlops.Sdk.Monitoring;

/// <content>From alerts to runs, and what came of them.</content>
public sealed partial class ModelMonitor
{
    /// <summary>Starts the retraining that an alert asks for: once for each alert, across all processes, whatever the limits of the watch say.</summary>
    /// <param name="alert">The alert.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <returns>The run as it ended, or null when the alert had started one before.</returns>
    /// <exception cref="MlopsException">No pipeline can be started from here; code <c>monitoring.no_trigger</c>.</exception>
    public async ValueTask<RunRecord?> RetrainAsync(MonitorAlert alert, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(alert);
        IRetrainingTrigger trigger = _trigger
            ?? throw new MlopsException("monitoring.no_trigger", $"Alert '{alert.Id}' about {alert.Model} asks for retraining, and this process has no IRetrainingTrigger. Add pipelines with AddPipelines.");
        await AskAsync(alert, limits: null, cancellationToken).ConfigureAwait(false);
        return await RunAsync(trigger, alert, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lists what the alerts of a model led to: which run, which version, and whether it was put into service. At most the latest 500.</summary>
    /// <param name="model">The model's name; null for all models.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The loops, in the order in which they were asked for.</returns>
    public async ValueTask<IReadOnlyList<AlertLoop>> LoopHistoryAsync(string? model = null, CancellationToken cancellationToken = default)
    {
        await ReadBookAsync(cancellationToken).ConfigureAwait(false);
        return [.. StatesOf(model).SelectMany(s => s.Loops).OrderBy(l => l.AskedAt)];
    }

    /// <summary>Starts runs for the open alerts of a watched model whose policies ask for it, within the limits of its watch.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <returns>The runs as they ended. A host does this after each check; of any number of hosts one starts the run of an alert.</returns>
    /// <exception cref="MlopsException">No pipeline can be started from here; code <c>monitoring.no_trigger</c>.</exception>
    public async ValueTask<IReadOnlyList<RunRecord>> RetrainWhereDueAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        var runs = new List<RunRecord>();
        if (WatchOf(model) is not { } watch || watch.RetrainOn.Count == 0)
        {
            return runs;
        }

        RetrainOptions limits = watch.Limits;
        foreach (MonitorAlert alert in await OpenAlertsAsync(model, cancellationToken).ConfigureAwait(false))
        {
            if (!watch.RetrainOn.Contains(alert.Policy) || (alert.Version > 0 && _book.Of(model).Newest > alert.Version))
            {
                continue;
            }

            IRetrainingTrigger trigger = _trigger
                ?? throw new MlopsException("monitoring.no_trigger", $"Alert '{alert.Id}' about {alert.Model} asks for retraining, and this process has no IRetrainingTrigger. Add pipelines with AddPipelines.");
            if (await AskAsync(alert, limits, cancellationToken).ConfigureAwait(false) && await RunAsync(trigger, alert, cancellationToken).ConfigureAwait(false) is { } run)
            {
                runs.Add(run);
            }
        }

        return runs;
    }

    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> _asked = new(StringComparer.Ordinal);

    internal static string KeyOf(MonitorAlert alert) => $"{alert.Policy}:{alert.Id}";

    /// <summary>Asks for the run of an alert, decided at the end of the ledger; true when it was asked for, now or before, and has not ended.</summary>
    private async ValueTask<bool> AskAsync(MonitorAlert alert, RetrainOptions? limits, CancellationToken cancellationToken)
    {
        await ReadBookAsync(cancellationToken).ConfigureAwait(false);
        LedgerReceipt receipt = await _ledger.AppendAsync($"monitor:{alert.Model}", () => Asking(alert, limits), cancellationToken).ConfigureAwait(false);
        foreach (LedgerEntry entry in receipt.Entries.Where(e => e.Kind == MonitoringKinds.AlertEscalated))
        {
            _logger.LoopGaveUp(alert.Model, alert.Id, entry.Reason);
        }

        if (receipt.Entries.Any(e => e.Kind == MonitoringKinds.RetrainingAsked))
        {
            _asked[alert.Id] = true;
        }

        // another host's run is gone on with only when that host was cancelled, or has had enough time: two at once would both train
        return _book.Of(alert.Model).Loops.FindLast(l => l.AlertId == alert.Id) is { GaveUp: false, EndedAt: null } loop
            && (_asked.ContainsKey(alert.Id) || limits is null || loop.Status == RunStatus.Cancelled || _time.GetUtcNow() - loop.AskedAt >= limits.TakeOverAfter);
    }

    private List<LedgerDraft> Asking(MonitorAlert alert, RetrainOptions? limits)
    {
        AlertBook.ModelState state = _book.Of(alert.Model);
        if (state.Loops.Any(l => l.AlertId == alert.Id))
        {
            return [];
        }

        if (limits is not null)
        {
            DateTimeOffset now = _time.GetUtcNow();
            AlertLoop[] asked = [.. state.Loops.Where(l => !l.GaveUp)];
            int vain = asked.Count(l => l.Policy == alert.Policy && now - l.AskedAt < limits.Within);
            if (vain >= limits.GiveUpAfter)
            {
                string why = $"{vain} runs for policy '{alert.Policy}' within {limits.Within} did not help; no further one is started for this alert.";
                var given = new AlertChangedNote(alert.Id, alert.Model, alert.Version) { Severity = AlertSeverity.Critical, GaveUp = true };
                return [Changed(MonitoringKinds.AlertEscalated, alert, why, given, Actor.System) with { Id = $"loop_gave_up:{alert.Id}" }];
            }

            if (asked.Any(l => now - l.AskedAt < limits.CoolDown) || asked.Count(l => now - l.AskedAt < TimeSpan.FromDays(1)) >= limits.MostPerDay)
            {
                return []; // asked for again at the next check, while the alert is open
            }
        }

        string key = KeyOf(alert);
        var note = new RetrainingAskedNote(alert.Id, alert.Model, alert.Version, key);
        return
        [
            AlertDecision.Draft(MonitoringKinds.RetrainingAsked, alert.Model, alert.Version, $"Alert {alert.Id} asks for a run with key '{key}'.", note, MonitoringJson.Default.RetrainingAskedNote, actor: null) with
            {
                Id = $"retraining_asked:{alert.Id}",
                Correlation = alert.Id,
            },
        ];
    }

    /// <summary>Runs the pipeline. Its key makes it one run for each alert, also when a host died after it asked and another one goes on.</summary>
    private async ValueTask<RunRecord?> RunAsync(IRetrainingTrigger trigger, MonitorAlert alert, CancellationToken cancellationToken)
    {
        if (_book.Of(alert.Model).Loops.FindLast(l => l.AlertId == alert.Id) is { EndedAt: not null })
        {
            return null;
        }

        RunRecord? run = await trigger.TriggerAsync(alert.Model, KeyOf(alert), alert.Message, cancellationToken).ConfigureAwait(false);
        if (run is null)
        {
            return null;
        }

        var note = new RetrainedNote(alert.Id, alert.Model, alert.Version, run.RunId, run.Status, run.Version);
        await _ledger.AppendAsync(
            [
                AlertDecision.Draft(MonitoringKinds.Retrained, alert.Model, alert.Version, $"Alert {alert.Id} started run {run.RunId}, which ended as {run.Status}.", note, MonitoringJson.Default.RetrainedNote, actor: null) with
                {
                    Id = $"retrained:{alert.Id}",
                    Correlation = alert.Id,
                },
            ],
            cancellationToken).ConfigureAwait(false);
        _logger.Retrained(alert.Model, alert.Id, run.RunId, run.Status);
        return run;
    }
}
