using System.Globalization;
using System.Text.Json;
using Mlops.Sdk.Data;
using Mlops.Sdk.MLNet;

namespace Mlops.Sdk.Pipelines;

/// <summary>The version in service and what it answers for the test rows.</summary>
internal sealed record ChampionAnswers(ModelVersion? Version)
{
    internal Answers? Answers { get; init; }

    internal string? Problem { get; init; }
}

/// <summary>The end of a run: gate and registration.</summary>
internal sealed partial class RunInProgress<T>
{
    private const int ProbeCount = 64;

    /// <summary>Asks the version in service about the same test rows, when a rule of the gate wants to know.</summary>
    private async Task<ChampionAnswers> ChampionAsync(Split split, CancellationToken cancellationToken)
    {
        ModelVersion? version = await registry.FindAliasAsync(name, "champion", cancellationToken).ConfigureAwait(false);
        if (version is null || !plan.Gates.Exists(g => g.NeedsChampion))
        {
            return new ChampionAnswers(version);
        }

        return await log.RunAsync("champion", async note =>
        {
            note.RowsIn = split.Test.Length;
            try
            {
                ModelManifest manifest = await registry.ReadManifestAsync(version, cancellationToken).ConfigureAwait(false);
                if (manifest.Schema.Task != plan.Task)
                {
                    throw new MlopsModelException("pipeline.other_task", $"it answers a {manifest.Schema.Task.ToString().ToLowerInvariant()} task, this pipeline learns a {plan.Task.ToString().ToLowerInvariant()} one.");
                }

                IModelFormat format = formats.FirstOrDefault(f => f.Name == manifest.ModelFormat)
                    ?? throw new MlopsModelException("model.unknown_format", $"it is in the format '{manifest.ModelFormat}', which this process cannot load. Add the package that brings it.");
                using ILoadedModel model = await format.LoadAsync(manifest, artifacts, cancellationToken).ConfigureAwait(false);
                note.Detail = version.ToString();
                return new ChampionAnswers(version) { Answers = Answers.Of(model, EncodedTable.From(_table!.Take(split.Test), manifest.Schema)) };
            }
            catch (MlopsException error) when (error is MlopsDataException or MlopsModelException)
            {
                // the gate decides what that means; damage and a failing store end the run instead
                note.Detail = $"{version}: {error.Message}";
                return new ChampionAnswers(version) { Problem = error.Message };
            }
        }).ConfigureAwait(false);
    }

    private bool Decide(Answers answers, ChampionAnswers champion, LabelledRows train, LabelledRows test, StepNote note)
    {
        float[] trivial;
        Evaluation baseline;
        if (plan.Task == ModelTask.Binary)
        {
            float rate = (float)train.Binary!.Average(l => l ? 1.0 : 0.0);
            trivial = [.. Enumerable.Repeat(rate, test.Count)];
            baseline = Evaluator.Binary(trivial, [.. Enumerable.Repeat(rate >= 0.5f, test.Count)], test.Binary!);
        }
        else
        {
            trivial = [.. Enumerable.Repeat(train.Numbers!.Average(), test.Count)];
            baseline = Evaluator.Regression(trivial, test.Numbers!);
        }

        var input = new GateInput(plan.Task, _report.Evaluation!, baseline, answers.Main, trivial, champion.Answers?.Main, champion.Version?.ToString(), test.Binary, test.Numbers) { ChampionProblem = champion.Problem };
        GateResult[] results = [.. plan.Gates.Select(rule => rule.Decide(input))];
        GateResult[] criteria = [.. plan.GoalCriteria.Select(c => c.Decide(_report.Evaluation!, "goal"))];
        _report = _report with { Baseline = baseline, Gates = results, Goal = plan.Goal is null ? null : new GoalResult(plan.Goal, criteria) };
        bool passed = results.All(r => r.Passed) && criteria.All(r => r.Passed);
        (note.Outcome, note.Detail) = (passed ? "ok" : "rejected", string.Join("; ", results.Concat(criteria).Select(r => $"{r.Name} {(r.Passed ? "passed" : "failed")}")));
        return passed;
    }

    private Task<ModelVersion> RegisterAsync(string best, TrainedCandidate model, LabelledRows train, LabelledRows test, ModelVersion? champion, CancellationToken cancellationToken) =>
        log.RunAsync("register", async note =>
        {
            GateResult[] failed = [.. _report.Gates.Concat(_report.Goal?.Criteria ?? []).Where(g => !g.Passed)];
            TimeColumn? times = plan.SplitTime is { } column ? _table!.Find(column) as TimeColumn : null;
            _report = _report with
            {
                Dataset = new DatasetInfo(plan.Source!.Description, _fingerprint, _table!.Rows, _rows!.Rejected.Count)
                {
                    From = Iso(times, ticks => ticks.Min()),
                    To = Iso(times, ticks => ticks.Max()),
                    TrainingRows = train.Count,
                    TestRows = test.Count,
                },
            };
            CandidateOptions bestOptions = plan.Candidates.Find(c => c.Name == best).Options;
            Answers onTraining = Answers.Of(model.Model, train.Table);
            ReferenceProfile profile = ReferenceProfile.Of(train.Table, onTraining.Outputs);
            Dictionary<string, double>? importance = PermutationImportance.Of(model.Model, test, options.Seed, cancellationToken);
            RunReport report = _report with { Steps = log.Records };
            var manifest = new ModelManifest
            {
                Model = name,
                ModelFormat = MLNetModelFormat.FormatName,
                Files =
                [
                    model.File,
                    await WriteAsync(ReferenceProfile.FileName, profile.Serialize(), cancellationToken).ConfigureAwait(false),
                    await WriteAsync(ProbeRows.FileName, ProbeRows.Serialize(ProbesOf(test.Table)), cancellationToken).ConfigureAwait(false),
                    await WriteAsync(RunReport.FileName, JsonSerializer.SerializeToUtf8Bytes(report, PipelineJson.Default.RunReport), cancellationToken).ConfigureAwait(false),
                    .. await ReferenceFilesAsync(model.Model, test, cancellationToken).ConfigureAwait(false),
                    .. importance is null
                        ? Array.Empty<ModelFile>()
                        : [await WriteAsync(ModelFileNames.Importance, ImportanceFile.Write(PermutationImportance.Method, importance), cancellationToken).ConfigureAwait(false)],
                ],
                Schema = model.Model.Schema,
                Algorithm = best,
                Parameters = bestOptions.Describe(),
                Metrics = _report.Evaluation!.Metrics,
                Dataset = _report.Dataset,
                Environment = EnvironmentCapture.Now(options.Seed, MLNetModelFormat.RuntimeAssembly, "Microsoft.ML.StandardTrainers", "Microsoft.ML.FastTree", "Microsoft.ML.LightGbm", "Mlops.Sdk.Pipelines", bestOptions.GetType().Assembly.GetName().Name!),
                RunId = RunId,
                Parent = champion?.Number,
                Gates = _report.Gates,
                Goal = _report.Goal,
                Notes = [.. _report.Leaks.Select(l => $"{(l.Block ? "excluded" : "look at")} {l.Column}: {l.Reason}")],
            };
            string reason = failed.Length == 0 ? options.Reason : $"rejected: {string.Join("; ", failed.Select(f => $"{f.Name}: {f.Message}"))}";
            ModelVersion version = await registry.RegisterAsync(manifest, reason, failed.Length == 0 ? VersionStatus.Validated : VersionStatus.Rejected, cancellationToken).ConfigureAwait(false);
            note.Detail = $"{version}, {version.Status}";
            _report = report;
            return version;
        });

    /// <summary>Stores what the sources say about the test rows, which no candidate has learned from.</summary>
    private async Task<IReadOnlyList<ModelFile>> ReferenceFilesAsync(ILoadedModel model, LabelledRows test, CancellationToken cancellationToken)
    {
        var files = new List<ModelFile>();
        if (sources.Count > 0)
        {
            Answers answers = Answers.Of(model, test.Table);
            double[] actuals = test.Binary is { } binary ? Array.ConvertAll(binary, b => b ? 1.0 : 0.0) : Array.ConvertAll(test.Numbers!, n => (double)n);
            var rows = new ReferenceRows(answers.Schema, test.Table, answers.Outputs, actuals);
            foreach (ReferenceFile file in sources.SelectMany(s => s.Make(rows, cancellationToken)))
            {
                files.Add(await WriteAsync(file.Name, file.Content, cancellationToken).ConfigureAwait(false));
            }
        }

        return files;
    }

    private async Task<ModelFile> WriteAsync(string file, byte[] bytes, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(bytes, writable: false);
        ArtifactInfo info = await artifacts.WriteAsync(content, cancellationToken).ConfigureAwait(false);
        return new ModelFile(file, info.Digest, info.Length);
    }

    private static ProbeRows ProbesOf(EncodedTable table)
    {
        int[] rows = [.. Enumerable.Range(0, Math.Min(ProbeCount, table.Rows)).Select(i => (int)((long)i * table.Rows / Math.Min(ProbeCount, table.Rows)))];
        return new ProbeRows
        {
            Numbers = [.. rows.Select(r => table.Numbers.Select(n => n[r]).ToArray())],
            Texts = [.. rows.Select(r => table.Texts.Select(t => t[r]).ToArray())],
        };
    }

    private static string? Iso(TimeColumn? times, Func<long[], long> pick) =>
        times is null ? null : new DateTime(pick(times.Ticks), DateTimeKind.Utc).ToString(times.DateOnly ? "yyyy-MM-dd" : "O", CultureInfo.InvariantCulture);
}
