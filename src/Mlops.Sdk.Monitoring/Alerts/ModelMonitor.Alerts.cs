using System.Globalization;

namespace Mlops.Sdk.Monitoring;

/// <content>Alerts: open ones, what people do with them, and what time does.</content>
public sealed partial class ModelMonitor
{
    private const int MostReason = 1_000;

    /// <summary>Gets the policies that the alerts of a model follow.</summary>
    /// <param name="model">The model's name.</param>
    /// <returns>The policy <see cref="AlertPolicy.DriftName"/>, unless the watch does without it, and those of the watch.</returns>
    public IReadOnlyList<AlertPolicy> PoliciesOf(string model)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        WatchedModel? watch = WatchOf(model);
        return [.. watch?.WithoutDrift == true ? (IEnumerable<AlertPolicy>)[] : [AlertPolicy.Drift(OptionsOf(model).Alerts)], .. watch?.Policies ?? []];
    }

    /// <summary>Lists the open alerts about a model.</summary>
    /// <param name="model">The model's name; null for all models.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The alerts that any host raised and none closed, oldest first.</returns>
    public async ValueTask<IReadOnlyList<MonitorAlert>> OpenAlertsAsync(string? model = null, CancellationToken cancellationToken = default)
    {
        await ReadBookAsync(cancellationToken).ConfigureAwait(false);
        return [.. StatesOf(model).SelectMany(s => s.Open.Values).Select(o => o.Alert).OrderBy(a => a.RaisedAt).ThenBy(a => a.Id, StringComparer.Ordinal)];
    }

    /// <summary>Lists the alerts that ended, at most the latest 200 of a model.</summary>
    /// <param name="model">The model's name; null for all models.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The alerts, in the order in which they were raised.</returns>
    public async ValueTask<IReadOnlyList<MonitorAlert>> EndedAlertsAsync(string? model = null, CancellationToken cancellationToken = default)
    {
        await ReadBookAsync(cancellationToken).ConfigureAwait(false);
        return [.. StatesOf(model).SelectMany(s => s.Ended).OrderBy(a => a.RaisedAt).ThenBy(a => a.Id, StringComparer.Ordinal)];
    }

    /// <summary>Takes an open alert up: it escalates and reminds no more.</summary>
    /// <param name="alertId">The alert's id.</param>
    /// <param name="reason">What is done about it; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The alert as it stands then.</returns>
    /// <exception cref="MlopsNotFoundException">No open alert has the id; code <c>monitoring.alert_not_found</c>.</exception>
    public async ValueTask<MonitorAlert> AcknowledgeAsync(string alertId, string reason, CancellationToken cancellationToken = default)
    {
        MonitorAlert alert = await FindOpenAsync(alertId, reason, cancellationToken).ConfigureAwait(false);
        await _ledger.AppendAsync(
            $"monitor:{alert.Model}",
            () => FindOpen(alertId).Alert.AcknowledgedAt is not null
                ? []
                : [Changed(MonitoringKinds.AlertAcknowledged, alert, reason, new AlertChangedNote(alert.Id, alert.Model, alert.Version), actor: null) with { Id = $"alert_acknowledged:{alertId}" }],
            cancellationToken).ConfigureAwait(false);
        return FindOpen(alertId).Alert;
    }

    /// <summary>Ends an alert by hand, such as one whose policy is gone. When the next window breaks the policy, a new one is raised.</summary>
    /// <param name="alertId">The alert's id.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is written.</returns>
    /// <exception cref="MlopsNotFoundException">No open alert has the id; code <c>monitoring.alert_not_found</c>.</exception>
    public async ValueTask ResolveAsync(string alertId, string reason, CancellationToken cancellationToken = default)
    {
        MonitorAlert alert = await FindOpenAsync(alertId, reason, cancellationToken).ConfigureAwait(false);
        await _ledger.AppendAsync(
            $"monitor:{alert.Model}",
            () => _book.Of(alert.Model).Open.ContainsKey(alertId) ? [AlertDecision.Closing(alert.Id, alert.Model, alert.Version, reason, actor: null)] : [],
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Keeps alerts quiet until a time: they are raised and written as ever, and handlers are not told before it ends.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="until">When it ends.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="policy">The policy, or a pattern with <c>*</c>; null for all.</param>
    /// <param name="segment">The segment, or a pattern with <c>*</c>; null for alerts about any.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The silence.</returns>
    public async ValueTask<AlertSilence> SilenceAsync(string model, DateTimeOffset until, string reason, string? policy = null, string? segment = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        CheckReason(reason);
        await ReadBookAsync(cancellationToken).ConfigureAwait(false);
        var note = new SilenceNote(_ids.NewId(), model, policy, segment, until);
        await _ledger.AppendAsync(
            [AlertDecision.Draft(MonitoringKinds.Silenced, model, null, reason, note, MonitoringJson.Default.SilenceNote, actor: null) with { Id = $"silenced:{note.SilenceId}", Correlation = note.SilenceId }],
            cancellationToken).ConfigureAwait(false);
        return _book.Of(model).Silences[note.SilenceId];
    }

    /// <summary>Ends a silence before its time.</summary>
    /// <param name="silence">The silence.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is written.</returns>
    public async ValueTask EndSilenceAsync(AlertSilence silence, string reason, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(silence);
        CheckReason(reason);
        await ReadBookAsync(cancellationToken).ConfigureAwait(false);
        var note = new SilenceNote(silence.Id, silence.Model, silence.Policy, silence.Segment, silence.Until);
        await _ledger.AppendAsync(
            $"monitor:{silence.Model}",
            () => _book.Of(silence.Model).Silences.ContainsKey(silence.Id)
                ? [AlertDecision.Draft(MonitoringKinds.SilenceEnded, silence.Model, null, reason, note, MonitoringJson.Default.SilenceNote, actor: null) with { Id = $"silence_ended:{silence.Id}", Correlation = silence.Id }]
                : [],
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lists the silences that hold now.</summary>
    /// <param name="model">The model's name; null for all models.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The silences, those that end first before the others.</returns>
    public async ValueTask<IReadOnlyList<AlertSilence>> SilencesAsync(string? model = null, CancellationToken cancellationToken = default)
    {
        await ReadBookAsync(cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = _time.GetUtcNow();
        return [.. StatesOf(model).SelectMany(s => s.Silences.Values).Where(s => now < s.Until).OrderBy(s => s.Until).ThenBy(s => s.Id, StringComparer.Ordinal)];
    }

    /// <summary>Tells how models stand: the last window of the version in service, and what is open.</summary>
    /// <param name="model">The model's name; null for all that were ever watched.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The models by name.</returns>
    public async ValueTask<IReadOnlyList<MonitoredModel>> StatusAsync(string? model = null, CancellationToken cancellationToken = default)
    {
        await ReadBookAsync(cancellationToken).ConfigureAwait(false);
        return
        [
            .. _book.Models.Where(m => model is null || m.Key == model).OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => new MonitoredModel(
                m.Key,
                m.Value.Newest,
                m.Value.Last?.To,
                m.Value.Last?.Rows ?? 0,
                m.Value.Last?.Status,
                [.. m.Value.Open.Values.Select(o => o.Alert).OrderBy(a => a.RaisedAt).ThenBy(a => a.Id, StringComparer.Ordinal)])),
        ];
    }

    /// <summary>Does what time asks for: alerts that nobody took up escalate, open ones are told of again, also those whose silence ended. A host does it at each check of a watched model.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is written; of any number of hosts one writes.</returns>
    public async ValueTask TendAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        await ReadBookAsync(cancellationToken).ConfigureAwait(false);
        IReadOnlyList<AlertPolicy> policies = PoliciesOf(model);
        if (Due(model, policies).Count > 0)
        {
            await _ledger.AppendAsync($"monitor:{model}", () => Due(model, policies), cancellationToken).ConfigureAwait(false);
        }
    }

    internal bool IsSilenced(MonitorAlert alert) => _book.Of(alert.Model).IsSilenced(alert, _time.GetUtcNow());

    internal AlertBook.ModelState StateOf(string model) => _book.Of(model);

    internal async ValueTask ReadBookAsync(CancellationToken cancellationToken)
    {
        await _ledger.AttachAsync(_book, cancellationToken).ConfigureAwait(false);
        await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }

    private static LedgerDraft Changed(string kind, MonitorAlert alert, string reason, AlertChangedNote note, Actor? actor) =>
        AlertDecision.Draft(kind, alert.Model, alert.Version, reason, note, MonitoringJson.Default.AlertChangedNote, actor) with { Correlation = alert.Id };

    private static void CheckReason(string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reason.Length, MostReason, nameof(reason));
    }

    private IEnumerable<AlertBook.ModelState> StatesOf(string? model) => model is null ? _book.Models.Select(m => m.Value) : [_book.Of(model)];

    private List<LedgerDraft> Due(string model, IReadOnlyList<AlertPolicy> policies)
    {
        DateTimeOffset now = _time.GetUtcNow();
        AlertBook.ModelState state = _book.Of(model);
        var drafts = new List<LedgerDraft>();
        foreach (AlertBook.OpenAlert open in state.Open.Values.OrderBy(o => o.Alert.RaisedAt).ThenBy(o => o.Alert.Id, StringComparer.Ordinal))
        {
            MonitorAlert alert = open.Alert;
            AlertRule? rule = policies.FirstOrDefault(p => p.Name == alert.Policy)?.Rule;
            bool silenced = state.IsSilenced(alert, now);
            if (silenced || alert.AcknowledgedAt is not null)
            {
                continue;
            }

            string of = string.Create(CultureInfo.InvariantCulture, $"{alert.Id}:{open.ToldAt.UtcTicks}");
            if (alert.EscalatedAt is null && rule?.EscalateAfter is { } after && now - alert.RaisedAt >= after && alert.Severity < AlertSeverity.Critical)
            {
                var note = new AlertChangedNote(alert.Id, alert.Model, alert.Version) { Severity = alert.Severity + 1 };
                drafts.Add(Changed(MonitoringKinds.AlertEscalated, alert, $"Open since {alert.RaisedAt:u} and not taken up.", note, Actor.System) with { Id = $"alert_escalated:{of}" });
            }
            else if (alert.Silenced || (rule?.RemindEvery is { } every && now - open.ToldAt >= every))
            {
                string why = alert.Silenced ? "The silence ended and the alert is still open." : $"Still open since {alert.RaisedAt:u}.";
                drafts.Add(Changed(MonitoringKinds.AlertReminded, alert, why, new AlertChangedNote(alert.Id, alert.Model, alert.Version), Actor.System) with { Id = $"alert_reminded:{of}" });
            }
        }

        return drafts;
    }

    private async ValueTask<MonitorAlert> FindOpenAsync(string alertId, string reason, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(alertId);
        CheckReason(reason);
        await ReadBookAsync(cancellationToken).ConfigureAwait(false);
        return FindOpen(alertId).Alert;
    }

    private AlertBook.OpenAlert FindOpen(string alertId) => _book.Models.Select(m => m.Value.Open.GetValueOrDefault(alertId)).FirstOrDefault(o => o is not null)
        ?? throw new MlopsNotFoundException("monitoring.alert_not_found", $"There is no open alert '{alertId}'. List the open ones with OpenAlertsAsync.");

    /// <summary>Finds what causes an alert, when one is about to be raised: the search may take longer than a decision at the end of the ledger may.</summary>
    private async ValueTask<IReadOnlyList<AlertCause>> ExplainAsync(ClosedWindow closed, IReadOnlyList<MonitorSignal> signals, IReadOnlyList<AlertPolicy> policies, CancellationToken cancellationToken)
    {
        AlertDecision draft = AlertDecision.Of(_book.Of(closed.Window.Model), policies, signals, closed.Window.Id, [], _time.GetUtcNow(), actor: null, closed.Report);
        if (!draft.Drafts.Any(d => d.Kind == LedgerKinds.AlertRaised))
        {
            return closed.Report.Status == DriftStatus.Drifted ? ReportSignals.CausesOf(closed.Report) : [];
        }

        var causes = new List<AlertCause>();
        foreach (IAlertExplainer explainer in _extensions.Explainers())
        {
            try
            {
                causes.AddRange(await explainer.ExplainAsync(closed, signals, cancellationToken).ConfigureAwait(false));
            }
            catch (Exception e) when (e is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
            {
                _logger.SourceFailed(closed.Window.Model, explainer.GetType().Name, e);
            }
        }

        return causes.Count > 0 ? causes : ReportSignals.CausesOf(closed.Report);
    }

    /// <summary>Logs and counts the alerts that an append raised and closed.</summary>
    private List<MonitorAlert> TellRaised(string model, LedgerReceipt receipt)
    {
        var raised = new List<MonitorAlert>();
        foreach (LedgerEntry entry in receipt.Entries)
        {
            if (entry.Kind == MonitoringKinds.AlertClosed)
            {
                _logger.AlertClosed(model, entry.Resource.Version ?? 0, entry.Correlation ?? string.Empty);
            }
            else if (entry.Kind == LedgerKinds.AlertRaised && MonitoringJson.TryRead(entry, MonitoringJson.Default.AlertFacts)?.ToAlert(entry.Time) is { } alert)
            {
                raised.Add(_book.Of(model).Open.GetValueOrDefault(alert.Id)?.Alert ?? alert);
                _logger.AlertRaised(model, alert.Version, alert.Id, alert.Message);
                _metrics.Raised(alert);
            }
        }

        return raised;
    }
}

/// <summary>What others add to the monitor; found when first needed, for they may need the monitor themselves.</summary>
internal sealed class MonitorExtensions(Func<IEnumerable<ISignalSource>> sources, Func<IEnumerable<IAlertExplainer>> explainers)
{
    internal static readonly MonitorExtensions None = new(() => [], () => []);
    private readonly Lazy<ISignalSource[]> _sources = new(() => [.. sources()]);
    private readonly Lazy<IAlertExplainer[]> _explainers = new(() => [.. explainers()]);

    internal ISignalSource[] Sources() => _sources.Value;

    internal IAlertExplainer[] Explainers() => _explainers.Value;
}
