using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <content>From windows to entries of the ledger.</content>
public sealed partial class ModelMonitor
{
    private const int MostNumbers = 40;
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

        string[] drifted = [.. report.Features.Where(f => f.Status == DriftStatus.Drifted).Select(f => f.Name)];
        var note = new WindowNote(window.Id, window.Model, window.Version, window.From, window.To, window.Rows, window.NotRecorded, Digest.Of(bytes), bytes.Length, report.Status, drifted);
        await _ledger.AttachAsync(_book, cancellationToken).ConfigureAwait(false);
        LedgerReceipt receipt = await _ledger.AppendAsync(
            $"monitor:{window.Model}",
            () => Decide(report, note, mayAlert, options.Alerts, actor),
            cancellationToken).ConfigureAwait(false);
        return Conclude(report, receipt, mayAlert);
    }

    /// <summary>Decides what to write, with the book at the end of the ledger: no two hosts decide on one state.</summary>
    private List<LedgerDraft> Decide(DriftReport report, WindowNote note, bool mayAlert, AlertOptions alerts, Actor? actor)
    {
        AlertBook.ModelState state = _book.Of(report.Model);
        var drafts = new List<LedgerDraft>();
        bool known = state.Windows.Contains(report.WindowId);
        if (!known)
        {
            drafts.Add(Draft(MonitoringKinds.WindowClosed, report.Model, report.Version, report.Summary, note, MonitoringJson.Default.WindowNote, actor) with { Id = $"window:{report.WindowId}" });
        }

        if (!mayAlert)
        {
            return drafts;
        }

        foreach (AlertBook.OpenAlert older in state.Open.Values.Where(o => o.Alert.Version < report.Version))
        {
            drafts.Add(Closing(older.Alert, $"Version {report.Version} answers now.", actor));
        }

        AlertBook.OpenAlert? open = state.OpenOf(report.Version);
        bool tooOld = open is not null && alerts.RepeatAfter is { } after && _time.GetUtcNow() - open.Alert.RaisedAt >= after;
        if (report.Status == DriftStatus.Drifted && (open is null || tooOld) && !known)
        {
            drafts.Add(Raising(report, actor));
        }
        else if (report.Status == DriftStatus.Stable && open is not null && !known && open.Calm + 1 >= alerts.CloseAfter)
        {
            drafts.Add(Closing(open.Alert, $"{open.Calm + 1} stable windows in a row.", actor));
        }

        return drafts;
    }

    private MonitorCheck Conclude(DriftReport report, LedgerReceipt receipt, bool mayAlert)
    {
        _logger.Checked(report.Model, report.Version, report.Rows, report.Summary);
        foreach (LedgerEntry entry in receipt.Entries.Where(e => e.Kind == MonitoringKinds.AlertClosed))
        {
            _logger.AlertClosed(report.Model, report.Version, entry.Correlation ?? string.Empty);
        }

        bool raised = receipt.Entries.Any(e => e.Kind == LedgerKinds.AlertRaised);
        MonitorAlert? alert = report.Status == DriftStatus.Drifted && mayAlert ? _book.Of(report.Model).OpenOf(report.Version)?.Alert : null;
        if (mayAlert)
        {
            _metrics.Checked(report, raised);
        }

        if (raised && alert is not null)
        {
            _logger.AlertRaised(report.Model, report.Version, alert.Id, alert.Message);
        }

        return new MonitorCheck(report, alert, raised);
    }

    private static LedgerDraft Raising(DriftReport report, Actor? actor)
    {
        var numbers = new SortedDictionary<string, double>(StringComparer.Ordinal)
        {
            ["rows"] = report.Rows,
            ["drifted"] = report.Drifted,
            ["judged"] = report.Judged,
        };
        foreach (FeatureDrift feature in report.Features.Where(f => f.Status == DriftStatus.Drifted).Take(MostNumbers / 2))
        {
            numbers[$"psi.{feature.Name}"] = feature.Psi;
            foreach (ShareChange share in feature.Shares.Where(s => s.Status == DriftStatus.Drifted))
            {
                numbers[$"{share.Kind.ToString().ToLowerInvariant()}.{feature.Name}"] = share.Current - share.Reference;
            }
        }

        // the window's id makes the alert's: the same window never raises two
        var note = new AlertNote(report.WindowId, report.Model, report.Version, DriftCheck, report.Summary, numbers);
        return new LedgerDraft(LedgerKinds.AlertRaised, new LedgerResource(ResourceKind, report.Model, report.Version), Shorten(report.Summary), LedgerData.Of(note))
        {
            Id = $"alert:{note.AlertId}",
            Correlation = note.AlertId,
            Actor = actor,
        };
    }

    private static LedgerDraft Closing(MonitorAlert alert, string reason, Actor? actor) =>
        Draft(MonitoringKinds.AlertClosed, alert.Model, alert.Version, reason, new AlertClosedNote(alert.Id, alert.Model, alert.Version), MonitoringJson.Default.AlertClosedNote, actor) with
        {
            Id = $"alert_closed:{alert.Id}",
            Correlation = alert.Id,
        };

    private static LedgerDraft Draft<T>(string kind, string model, int version, string reason, T note, JsonTypeInfo<T> type, Actor? actor) =>
        new(kind, new LedgerResource(ResourceKind, model, version), Shorten(reason), JsonSerializer.SerializeToElement(note, type)) { Actor = actor };

    private static string Shorten(string reason)
    {
        const int longest = 2_000;
        return reason.Length <= longest ? reason : string.Concat(reason.AsSpan(0, char.IsHighSurrogate(reason[longest - 1]) ? longest - 1 : longest), "...");
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
        return (reference, window with { Id = id, From = now, To = now });
    }

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
