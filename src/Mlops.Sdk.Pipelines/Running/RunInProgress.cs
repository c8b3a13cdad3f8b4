using System.Globalization;
using System.Text;
using System.Text.Json;
using Mlops.Sdk.Data;
using Mlops.Sdk.MLNet;

namespace Mlops.Sdk.Pipelines;

/// <summary>One run on its way from the source to the registry.</summary>
internal sealed class RunInProgress<T>(
    string name,
    PipelinePlan<T> plan,
    PipelineRunOptions options,
    StepLog log,
    IModelRegistry registry,
    IArtifactStore artifacts,
    IEnumerable<IModelFormat> formats,
    CandidateTraining training) : IDisposable
{
    private const int ProbeCount = 64;
    private const double ValidationShare = 0.2;
    private readonly List<IDisposable> _models = [];
    private RunReport _report = new();
    private ContractResult<T>? _rows;
    private Table? _table;
    private Digest _fingerprint;

    /// <summary>Gets what makes the run that run: the given key, or the content of data and definition.</summary>
    internal string Key { get; private set; } = options.Key ?? "data not read";

    internal string RunId { get; set; } = PipelineRunner.RunIdOf(name, options.Key ?? "data not read");

    public void Dispose() => _models.ForEach(m => m.Dispose());

    /// <summary>Reads and checks the rows; after that the run has its id.</summary>
    internal async Task ReadAsync(CancellationToken cancellationToken)
    {
        _rows = await log.RunAsync("extract+validate", async note =>
        {
            ContractResult<T> result = await plan.Contract.ReadAsync(plan.Source!, cancellationToken).ConfigureAwait(false);
            note.RowsIn = result.Accepted.Count + result.Rejected.Count;
            note.RowsOut = result.Accepted.Count;
            note.Detail = $"{result.Accepted.Count} rows, {result.Rejected.Count} kept aside";
            return result;
        }).ConfigureAwait(false);
        _table = _rows.Accepted.ToTable();
        _fingerprint = Fingerprint.Of(_table);
        Key = options.Key ?? $"{_fingerprint}/{DefinitionDigest()}";
        _report = _report with { RejectedByRule = _rows.Counts, RejectedRows = [.. _rows.Rejected.Take(100)] };
    }

    internal async Task<PipelineRun> MakeVersionAsync(CancellationToken cancellationToken)
    {
        await registry.StartRunAsync(
            new RunStart(RunId, name, options.Trigger, options.Reason) { Hypothesis = options.Hypothesis, Parameters = new Dictionary<string, string> { ["seed"] = options.Seed.ToString(CultureInfo.InvariantCulture) } },
            cancellationToken).ConfigureAwait(false);
        (LabelledRows train, LabelledRows test, Split split) = await PrepareAsync().ConfigureAwait(false);
        (string best, TrainedCandidate model) = await TrainAsync(train, split, cancellationToken).ConfigureAwait(false);

        Answers answers = await log.RunAsync("evaluate", note => Task.FromResult(Evaluate(model, test, split, note))).ConfigureAwait(false);
        (ModelVersion? champion, Answers? championAnswers) = await ChampionAsync(test, split, cancellationToken).ConfigureAwait(false);
        await log.RunAsync("gate", note => Task.FromResult(Decide(answers, championAnswers, champion, train, test, note))).ConfigureAwait(false);
        ModelVersion version = await RegisterAsync(best, model, answers, train, test, champion, cancellationToken).ConfigureAwait(false);
        RunOutcome outcome = version.Status == VersionStatus.Validated ? new Registered(version) : new Rejected(version.Reason, version);
        return new PipelineRun(RunId, name, outcome, _report);
    }

    /// <summary>Records an end without a version. Not the caller's token: that a run was cancelled is recorded too.</summary>
    internal async Task<PipelineRun> EndAsync(RunOutcome outcome, RunStatus status, string message)
    {
        _report = _report with { Steps = log.Records };
        await registry.StartRunAsync(new RunStart(RunId, name, options.Trigger, options.Reason) { Hypothesis = options.Hypothesis }, CancellationToken.None).ConfigureAwait(false);
        IReadOnlyList<RunRecord> runs = await registry.ListRunsAsync(name, CancellationToken.None).ConfigureAwait(false);
        if (runs.First(r => r.RunId == RunId).Status == RunStatus.Running && status != RunStatus.Cancelled)
        {
            await registry.EndRunAsync(new RunEnd(RunId, status, message.Length <= 2_000 ? message : message[..2_000]) { Steps = log.Records }, CancellationToken.None).ConfigureAwait(false);
        }

        return new PipelineRun(RunId, name, outcome, _report);
    }

    private async Task<(LabelledRows Train, LabelledRows Test, Split Split)> PrepareAsync()
    {
        Split split = await log.RunAsync("split", note =>
        {
            Split made = SplitOf(_table!, [.. Enumerable.Range(0, _table!.Rows)], plan.TestShare, options.Seed);
            (note.RowsIn, note.RowsOut) = (_table.Rows, made.Train.Length);
            note.Detail = $"{made.Train.Length} training rows, {made.Test.Length} test rows";
            return Task.FromResult(made);
        }).ConfigureAwait(false);

        bool[]? binary = plan.BinaryLabel is { } yes ? [.. _rows!.Accepted.Select(yes)] : null;
        float[]? numbers = plan.NumberLabel is { } number ? [.. _rows!.Accepted.Select(number)] : null;
        Table trainRows = _table!.Take(split.Train);
        string[] columns = FeatureColumns();
        IReadOnlyList<LeakFinding> leaks = await log.RunAsync("screen", note =>
        {
            IReadOnlyList<LeakFinding> found = binary is null ? [] : LeakageScreen.Find(trainRows, Array.ConvertAll(split.Train, i => binary[i]), columns);
            note.Detail = found.Count == 0 ? "no column leaks the label" : string.Join("; ", found.Select(f => $"{(f.Block ? "excluded" : "look at")} {f.Column}: {f.Reason}"));
            return Task.FromResult(found);
        }).ConfigureAwait(false);
        _report = _report with { Leaks = leaks };

        ModelSchema schema = SchemaOf(trainRows, [.. columns.Except(leaks.Where(l => l.Block).Select(l => l.Column))]);
        var all = new LabelledRows(EncodedTable.From(_table, schema), binary, numbers);
        return (all.Take(split.Train), all.Take(split.Test), split);
    }

    /// <summary>Trains every candidate on a part of the training rows, compares them on the rest, and trains the best again on all of them. The test rows stay untouched.</summary>
    private async Task<(string Name, TrainedCandidate Model)> TrainAsync(LabelledRows train, Split split, CancellationToken cancellationToken)
    {
        Split inner = SplitOf(_table!, split.Train, ValidationShare, options.Seed + 1);
        LabelledRows fit = train.Take(inner.Train);
        LabelledRows validation = train.Take(inner.Test);
        Digest fitDigest = DigestOf(inner.Train.Length, "fit");
        LeaderboardRow[] rows = await log.RunAsync("train", async note =>
        {
            using var gate = new SemaphoreSlim(Math.Max(1, Environment.ProcessorCount));
            LeaderboardRow[] made = await Task.WhenAll(plan.Candidates.Select(async candidate =>
            {
                await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
                try
                {
                    return await TryCandidateAsync(candidate.Name, candidate.Options, fit, validation, fitDigest, cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    gate.Release();
                }
            })).ConfigureAwait(false);
            note.RowsIn = fit.Count;
            note.Outcome = made.All(r => r.Milliseconds == 0 && r.Problem is null) ? "cached" : "ok";
            note.Detail = $"{made.Count(r => r.Problem is null)} of {made.Length} candidates";
            return made;
        }).ConfigureAwait(false);

        rows = [.. rows.OrderBy(r => r.Problem is not null).ThenByDescending(Quality).ThenBy(r => r.Candidate, StringComparer.Ordinal)];
        _report = _report with { Leaderboard = rows };
        if (rows[0].Problem is { } problem)
        {
            throw new MlopsModelException("pipeline.no_candidate", $"None of the {rows.Length} candidates of '{name}' could be trained. The first one, '{rows[0].Candidate}', says: {problem}");
        }

        CandidateOptions best = plan.Candidates.Find(c => c.Name == rows[0].Candidate).Options;
        TrainedCandidate final = await log.RunAsync("refit", async note =>
        {
            TrainedCandidate trained = await training.TrainAsync(rows[0].Candidate, best, train, DigestOf(train.Count, "train"), options.Seed, cancellationToken).ConfigureAwait(false);
            (note.RowsIn, note.Outcome, note.Detail) = (train.Count, trained.FromCache ? "cached" : "ok", $"'{rows[0].Candidate}' on all training rows");
            return trained;
        }).ConfigureAwait(false);
        _models.Add(final.Model);
        return (rows[0].Candidate, final);
    }

    private async Task<LeaderboardRow> TryCandidateAsync(string candidate, CandidateOptions candidateOptions, LabelledRows fit, LabelledRows validation, Digest fitDigest, CancellationToken cancellationToken)
    {
        long start = TimeProvider.System.GetTimestamp();
        try
        {
            TrainedCandidate trained = await training.TrainAsync(candidate, candidateOptions, fit, fitDigest, options.Seed, cancellationToken).ConfigureAwait(false);
            using ILoadedModel model = trained.Model;
            double milliseconds = trained.FromCache ? 0 : TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;
            return new LeaderboardRow(candidate, Answers.Of(model, validation.Table).Evaluate(validation).Metrics, milliseconds);
        }
        catch (Exception error) when (error is not OperationCanceledException and (InvalidOperationException or ArgumentException or AggregateException or MlopsException or DllNotFoundException or TypeInitializationException or NotSupportedException))
        {
            // one candidate that fails does not end the run: the leaderboard says so
            return new LeaderboardRow(candidate, new Dictionary<string, MetricValue>(), 0, error.GetBaseException().Message);
        }
    }

    private Answers Evaluate(TrainedCandidate model, LabelledRows test, Split split, StepNote note)
    {
        Answers answers = Answers.Of(model.Model, test.Table);
        Evaluation evaluation = answers.Evaluate(test);
        string metric = plan.Task == ModelTask.Binary ? "auc" : "mae";
        IEnumerable<SliceEvaluation> slices = plan.Slices.SelectMany(column =>
            Evaluator.Slices(column, i => Text(_table![column], split.Test[i]), test.Count, rows => answers.Take(rows).Evaluate(test.Take(rows)), metric));
        double Worst(SliceEvaluation s) => s.Value95 is null ? double.MaxValue : plan.Task == ModelTask.Binary ? s.Value95.Value : -s.Value95.Value;
        evaluation = evaluation with { Slices = [.. slices.OrderBy(Worst)] };
        (note.RowsIn, note.Detail) = (test.Count, string.Join(", ", evaluation.Metrics.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Key} {m.Value.Value:0.000}"))));
        _report = _report with { Evaluation = evaluation };
        return answers;
    }

    private async Task<(ModelVersion? Version, Answers? Answers)> ChampionAsync(LabelledRows test, Split split, CancellationToken cancellationToken)
    {
        ModelVersion? version = await registry.FindAliasAsync(name, "champion", cancellationToken).ConfigureAwait(false);
        if (version is null)
        {
            return (null, null);
        }

        ModelManifest manifest = await registry.ReadManifestAsync(version, cancellationToken).ConfigureAwait(false);
        IModelFormat format = formats.FirstOrDefault(f => f.Name == manifest.ModelFormat)
            ?? throw new MlopsModelException("model.unknown_format", $"{version} is in the format '{manifest.ModelFormat}', which this process cannot load. Add the package that brings it.");
        ILoadedModel model = await format.LoadAsync(manifest, artifacts, cancellationToken).ConfigureAwait(false);
        _models.Add(model);
        return (version, Answers.Of(model, EncodedTable.From(_table!.Take(split.Test), manifest.Schema)));
    }

    private bool Decide(Answers answers, Answers? champion, ModelVersion? championVersion, LabelledRows train, LabelledRows test, StepNote note)
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

        var input = new GateInput(plan.Task, _report.Evaluation!, baseline, answers.Main, trivial, champion?.Main, championVersion?.ToString(), test.Binary, test.Numbers);
        GateResult[] results = [.. plan.Gates.Select(rule => rule(input))];
        GateResult[] criteria = [.. plan.GoalCriteria.Select(c => Gates.AtLeast(_report.Evaluation!, c.Metric, c.Minimum, "goal"))];
        _report = _report with { Baseline = baseline, Gates = results, Goal = plan.Goal is null ? null : new GoalResult(plan.Goal, criteria) };
        bool passed = results.All(r => r.Passed) && criteria.All(r => r.Passed);
        (note.Outcome, note.Detail) = (passed ? "ok" : "rejected", string.Join("; ", results.Concat(criteria).Select(r => $"{r.Name} {(r.Passed ? "passed" : "failed")}")));
        return passed;
    }

    private Task<ModelVersion> RegisterAsync(string best, TrainedCandidate model, Answers answers, LabelledRows train, LabelledRows test, ModelVersion? champion, CancellationToken cancellationToken) =>
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
                ],
                Schema = model.Model.Schema,
                Algorithm = best,
                Parameters = bestOptions.Describe(),
                Metrics = _report.Evaluation!.Metrics,
                Dataset = _report.Dataset,
                Environment = EnvironmentCapture.Now(options.Seed, "Microsoft.ML", "Microsoft.ML.Data", "Microsoft.ML.FastTree", "Microsoft.ML.LightGbm", "Mlops.Sdk.Pipelines"),
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

    private Split SplitOf(Table table, int[] among, double share, int seed)
    {
        if (plan.SplitTime is { } time)
        {
            Column column = table[time].Take(among);
            return Split.ByTime(column as TimeColumn ?? throw new MlopsDataException("data.column_kind", $"'{time}' should be a date or time to split by; it is a {column.GetType().Name}."), share);
        }

        string[] keys = plan.SplitKey is { } by ? Array.ConvertAll(among, i => by(_rows!.Accepted[i])) : RowKeys(table, among);
        return Split.ByKey(keys, share, seed);
    }

    /// <summary>Rows without a key are told apart by their content, so that their order does not matter.</summary>
    private static string[] RowKeys(Table table, int[] among) => Array.ConvertAll(among, row => string.Join('\u001f', table.Columns.Select(c => Text(c, row))));

    private static string? Text(Column column, int row) => column.IsMissing(row) ? null : column switch
    {
        TextColumn text => text[row],
        NumberColumn number => number.Values[row].ToString("R", CultureInfo.InvariantCulture),
        TimeColumn time => time.Ticks[row].ToString(CultureInfo.InvariantCulture),
        _ => null,
    };

    private string[] FeatureColumns() =>
    [
        .. _table!.Columns
            .Where(c => c is not TimeColumn && !plan.LabelColumns.Contains(c.Name) && !plan.WithoutColumns.Contains(c.Name) && (plan.OnlyColumns is null || plan.OnlyColumns.Contains(c.Name)))
            .Select(c => c.Name),
    ];

    private ModelSchema SchemaOf(Table train, IReadOnlyList<string> columns)
    {
        IEnumerable<ModelInput> inputs = columns.Select(c => InputOf(train[c]))
            .Concat(plan.DateParts.Select(d => new ModelInput($"{d.Column}.{d.Part}", InputKind.Number, train[d.Column].Name, d.Part)));
        string[] outputs = plan.Task == ModelTask.Binary ? [ModelOutputs.Score, ModelOutputs.Probability, ModelOutputs.PredictedLabel] : [ModelOutputs.Score];
        return new ModelSchema(plan.Task, [.. inputs], outputs, plan.LabelName);
    }

    private static ModelInput InputOf(Column column)
    {
        double missing = (double)Enumerable.Range(0, column.Rows).Count(column.IsMissing) / Math.Max(1, column.Rows);
        if (column is TextColumn text)
        {
            bool[] used = new bool[text.Dictionary.Length];
            Array.ForEach(text.Codes, code =>
            {
                if (code >= 0)
                {
                    used[code] = true;
                }
            });
            return new ModelInput(column.Name, InputKind.Text, column.Name) { MissingShare = missing, Categories = [.. text.Dictionary.Where((_, i) => used[i]).Take(1_000)] };
        }

        double[] finite = [.. ((NumberColumn)column).Values.Where(double.IsFinite)];
        return new ModelInput(column.Name, InputKind.Number, column.Name)
        {
            MissingShare = missing,
            Minimum = finite.Length == 0 ? null : (float)finite.Min(),
            Maximum = finite.Length == 0 ? null : (float)finite.Max(),
        };
    }

    private Digest DigestOf(int rows, string part) => Digest.Of(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{_fingerprint}/{plan.TestShare}/{plan.SplitTime}/{options.Seed}/{part}/{rows}/{plan.LabelName}/{string.Join(',', plan.LabelColumns)}")));

    private Digest DefinitionDigest()
    {
        string candidates = string.Join(';', plan.Candidates.Select(c => $"{c.Name}:{string.Join(',', c.Options.Describe().Select(o => $"{o.Key}={o.Value}"))}"));
        return Digest.Of(Encoding.UTF8.GetBytes(FormattableString.Invariant(
            $"{plan.Task}/{plan.LabelName}/{plan.TestShare}/{plan.SplitTime}/{options.Seed}/{candidates}/{string.Join(',', plan.WithoutColumns)}/{string.Join(',', plan.OnlyColumns ?? [])}/{string.Join(',', plan.DateParts)}")));
    }

    private double Quality(LeaderboardRow row) =>
        row.Metrics.TryGetValue(plan.Task == ModelTask.Binary ? "auc" : "mae", out MetricValue? metric) ? plan.Task == ModelTask.Binary ? metric.Value : -metric.Value : double.NegativeInfinity;

    private static string? Iso(TimeColumn? times, Func<long[], long> pick) =>
        times is null ? null : new DateTime(pick(times.Ticks), DateTimeKind.Utc).ToString(times.DateOnly ? "yyyy-MM-dd" : "O", CultureInfo.InvariantCulture);
}
