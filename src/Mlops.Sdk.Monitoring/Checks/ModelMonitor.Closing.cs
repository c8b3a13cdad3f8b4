using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <content>From windows to entries of the ledger.</content>
public sealed partial class ModelMonitor
{
    private const int MostOpen = 64;

    internal async ValueTask<MonitorCheck> CheckAsync(string model, Actor? actor, bool closing, CancellationToken cancellationToken)
    {
        ModelChecks checks = _models.GetOrAdd(model, _ => new ModelChecks());
        await checks.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            TakeInto(checks, model);
            await AdoptAsync(checks, model, cancellationToken).ConfigureAwait(false);
            int newest = _recorder.NewestVersionOf(model) ?? checks.Open.Select(o => o.Version).DefaultIfEmpty(0).Max();
            var last = new MonitorCheck(null, null, false);
            foreach (OpenWindow open in checks.Open.OrderBy(o => o.Version == newest).ThenByDescending(o => o.Sealed).ToArray())
            {
                // a version that left service gets no more rows, and an alert about it would ask for what was done already
                bool current = open.Version == newest;
                MonitorCheck check;
                try
                {
                    check = await CheckOneAsync(open, current, actor, closing || !current, cancellationToken).ConfigureAwait(false);
                }
                catch (MlopsException e) when (!current)
                {
                    // what is left of an older version must not stand in the way of the one that answers now: it is tried again next time
                    _logger.CheckFailed(model, e.Code, e);
                    continue;
                }

                if (open.Sealed || closing || !current)
                {
                    await _parts.RemoveAsync(open, cancellationToken).ConfigureAwait(false);
                    checks.Open.Remove(open);
                }

                last = current ? check : last;
            }

            return last;
        }
        finally
        {
            checks.Gate.Release();
        }
    }

    private async ValueTask<MonitorCheck> CheckOneAsync(OpenWindow open, bool current, Actor? actor, bool closing, CancellationToken cancellationToken)
    {
        MonitorWindow window = open.Counts;
        if (window.Features.Count == 0)
        {
            // nothing was counted: the recorder never had the reference; perhaps it can be read now
            return await RecoverAsync(window, cancellationToken).ConfigureAwait(false);
        }

        Reference reference = await ReadReferenceAsync(window.Model, window.Version, cancellationToken).ConfigureAwait(false);
        MonitoringOptions options = OptionsOf(window.Model);
        if (window.Rows < options.Drift.MinimumRows && !closing && !open.Sealed)
        {
            return new MonitorCheck(DriftDetector.Compare(reference.Profile, window, options.Drift, options.Alerts), null, false);
        }

        if (open.InStore && !await _parts.SaveAsync(open, seal: true, cancellationToken).ConfigureAwait(false))
        {
            open.Sealed = true; // another process took this one for dead and closes all of it
            return new MonitorCheck(null, null, false);
        }

        open.Sealed = true;
        window = open.Counts;
        return await CloseAsync(reference, window, current, actor, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<MonitorCheck> RecoverAsync(MonitorWindow window, CancellationToken cancellationToken)
    {
        ModelVersion? version = await _catalog.FindVersionAsync(window.Model, window.Version, cancellationToken).ConfigureAwait(false);
        if (version is { Deleted: false })
        {
            ModelManifest manifest = await _catalog.ReadManifestAsync(version, cancellationToken).ConfigureAwait(false);
            await _recorder.PrepareAsync(version, manifest, _artifacts, cancellationToken).ConfigureAwait(false);
        }

        return new MonitorCheck(DriftDetector.Compare(new ReferenceProfile { Rows = 0, Features = [] }, window, OptionsOf(window.Model).Drift), null, false);
    }

    private async ValueTask<MonitorCheck> CloseAsync(Reference reference, MonitorWindow window, bool mayAlert, Actor? actor, CancellationToken cancellationToken)
    {
        MonitoringOptions options = OptionsOf(window.Model);
        DriftReport report = DriftDetector.Compare(reference.Profile, window, options.Drift, options.Alerts);
        byte[] bytes = window.Serialize();
        using (var content = new MemoryStream(bytes, writable: false))
        {
            await _store.PutAsync(ObjectKey.Parse($"monitoring/{window.Id}"), content, PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
        }

        var closed = new ClosedWindow(window, reference.Profile, report, reference.Version, reference.Schema);
        List<MonitorSignal> signals = await MeasureAsync(closed, cancellationToken).ConfigureAwait(false);
        SignalsNote? stored = signals.Count > 0 ? await StoreSignalsAsync(window.Model, signals, cancellationToken).ConfigureAwait(false) : null;
        await _ledger.AttachAsync(_book, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<AlertPolicy> policies = PoliciesOf(window.Model);
        IReadOnlyList<AlertCause> causes = mayAlert ? await ExplainAsync(closed, signals, policies, cancellationToken).ConfigureAwait(false) : [];
        string[] drifted = [.. report.Features.Where(f => f.Status == DriftStatus.Drifted).Select(f => f.Name)];
        var note = new WindowNote(window.Id, window.Model, window.Version, window.From, window.To, window.Rows, window.NotRecorded, Digest.Of(bytes), bytes.Length, report.Status, drifted) { Signals = stored };
        LedgerReceipt receipt = await _ledger.AppendAsync(
            $"monitor:{window.Model}",
            () => Decide(report, note, mayAlert, policies, signals, causes, actor),
            cancellationToken).ConfigureAwait(false);
        return Conclude(report, signals, receipt, mayAlert);
    }

    /// <summary>Decides what to write, with the book at the end of the ledger: no two hosts decide on one state.</summary>
    private List<LedgerDraft> Decide(DriftReport report, WindowNote note, bool mayAlert, IReadOnlyList<AlertPolicy> policies, IReadOnlyList<MonitorSignal> signals, IReadOnlyList<AlertCause> causes, Actor? actor)
    {
        AlertBook.ModelState state = _book.Of(report.Model);
        bool known = state.Windows.Contains(report.WindowId);
        AlertDecision decision = known || !mayAlert ? new AlertDecision([], []) : AlertDecision.Of(state, policies, [.. signals.Where(s => s.Version == 0 || s.Version >= report.Version)], report.WindowId, causes, _time.GetUtcNow(), actor, report);
        var drafts = new List<LedgerDraft>();
        if (!known)
        {
            drafts.Add(AlertDecision.Draft(MonitoringKinds.WindowClosed, report.Model, report.Version, report.Summary, note with { Series = decision.Series }, MonitoringJson.Default.WindowNote, actor) with { Id = $"window:{report.WindowId}" });
        }

        if (mayAlert)
        {
            // alerts of versions that answer no more end with the first window of the one that does
            drafts.AddRange(state.Open.Values.Where(o => o.Alert.Version > 0 && o.Alert.Version < report.Version)
                .Select(o => AlertDecision.Closing(o.Alert.Id, o.Alert.Model, o.Alert.Version, $"Version {report.Version} answers now.", actor)));
            drafts.AddRange(decision.Drafts);
        }

        return drafts;
    }

    private MonitorCheck Conclude(DriftReport report, IReadOnlyList<MonitorSignal> signals, LedgerReceipt receipt, bool mayAlert)
    {
        _logger.Checked(report.Model, report.Version, report.Rows, report.Summary);
        List<MonitorAlert> raised = TellRaised(report.Model, receipt);
        AlertBook.ModelState state = _book.Of(report.Model);
        MonitorAlert? alert = report.Status == DriftStatus.Drifted && mayAlert ? state.OpenOf(report.Version)?.Alert : null;
        if (mayAlert)
        {
            _metrics.Checked(report, signals);
        }

        return new MonitorCheck(report, alert, raised.Any(r => r.Policy == AlertPolicy.DriftName))
        {
            Signals = signals,
            Alerts = [.. state.Open.Values.Select(o => o.Alert).OrderBy(a => a.RaisedAt).ThenBy(a => a.Id, StringComparer.Ordinal)],
        };
    }

    private async ValueTask<(Reference Reference, MonitorWindow Window)> CountAsync(string model, int version, Table table, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(table);
        Reference reference = await ReadReferenceAsync(model, version, cancellationToken).ConfigureAwait(false);
        EncodedTable rows = EncodedTable.From(table, reference.Schema);
        ReferenceProfile inputs = reference.Profile with { Features = [.. reference.Profile.Features.Where(f => f.Role == FeatureRole.Input)] };
        RecordingPlan plan = RecordingPlan.Create(model, version, reference.Schema, inputs, reference.Digest);
        MonitorWindow window = WindowCounting.Count(plan, rows, null, "-", DateTimeOffset.UnixEpoch);
        string id = Digest.Of(window.Serialize()).Hex[..32]; // the same rows are the same window
        DateTimeOffset now = _time.GetUtcNow();

        // a check that was stopped before it was in the ledger has left its window, dated by its clock
        return (reference, await FindWindowAsync(id, cancellationToken).ConfigureAwait(false) ?? window with { Id = id, From = now, To = now });
    }

    private async ValueTask<MonitorWindow?> FindWindowAsync(string id, CancellationToken cancellationToken)
    {
        Stream? stream = await _store.OpenAsync(ObjectKey.Parse($"monitoring/{id}"), null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            byte[]? bytes = await BoundedReading.ReadAllAsync(stream, WindowPart.MaxBytes, cancellationToken).ConfigureAwait(false);
            return bytes is null ? null : MonitorWindow.Deserialize(bytes);
        }
    }

    internal async ValueTask<ReferenceProfile> ProfileAsync(string model, int version, CancellationToken cancellationToken) =>
        (await ReadReferenceAsync(model, version, cancellationToken).ConfigureAwait(false)).Profile;

    private async ValueTask<Reference> ReadReferenceAsync(string model, int version, CancellationToken cancellationToken)
    {
        ModelVersion found = await _catalog.FindVersionAsync(model, version, cancellationToken).ConfigureAwait(false)
            ?? throw new MlopsNotFoundException("registry.version_not_found", $"There is no version {version} of model '{model}'. List the versions with IModelCatalog.ListVersionsAsync.");
        ModelManifest manifest = await _catalog.ReadManifestAsync(found, cancellationToken).ConfigureAwait(false);
        ReferenceProfile profile = await PredictionRecorder.ReadProfileAsync(manifest, _artifacts, cancellationToken).ConfigureAwait(false)
            ?? throw new MlopsDataException("monitoring.no_reference", $"{found} has no {ReferenceProfile.FileName} to compare with. Register it with one, made by ReferenceProfile.Of from the rows it was trained on.");
        return new Reference(found, manifest.Schema, PredictionRecorder.FileOf(manifest)!.Digest, profile);
    }
}
