using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines;

/// <summary>One run on its way from the source to the registry.</summary>
internal sealed partial class RunInProgress<T>(
    string name,
    PipelinePlan<T> plan,
    PipelineRunOptions options,
    StepLog log,
    IModelRegistry registry,
    IArtifactStore artifacts,
    IEnumerable<IModelFormat> formats,
    TimeProvider time,
    CandidateTraining training,
    IReadOnlyList<IReferenceFileSource> sources) : IDisposable
{
    private const double ValidationShare = 0.2;
    private readonly List<IDisposable> _models = [];
    private RunReport _report = new();
    private ContractResult<T>? _rows;
    private Table? _table;
    private bool[]? _binary;
    private float[]? _numbers;
    private string[]? _keys;
    private Digest _fingerprint;

    /// <summary>Gets what makes the run that run: the given key, or the content of data and definition.</summary>
    internal string Key { get; private set; } = options.Key ?? "data not read";

    /// <summary>Gets or sets the run's id; null until it is known which attempt at the key this is.</summary>
    internal string? RunId { get; set; }

    public void Dispose() => _models.ForEach(m => m.Dispose());

    /// <summary>Reads and checks the rows; after that the run's key is known.</summary>
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
        _report = _report with { RejectedByRule = _rows.Counts, RejectedRows = [.. _rows.Rejected.Take(100)] };
        _table = await log.RunAsync("label", note =>
        {
            Table table = _rows.Accepted.ToTable();
            _binary = plan.BinaryLabel is { } yes ? [.. _rows.Accepted.Select(yes)] : null;
            _numbers = plan.NumberLabel is { } number ? [.. _rows.Accepted.Select(number)] : null;
            _keys = plan.SplitKey is { } by ? [.. _rows.Accepted.Select(by)] : null;
            if (_numbers is not null && Array.FindIndex(_numbers, n => !float.IsFinite(n)) is var missing and >= 0)
            {
                throw new MlopsDataException("pipeline.label_missing", $"Row {missing} of {_numbers.Length} has the label {_numbers[missing]}; a finite number is needed to learn from. Demand it with Validate(v => v.Between(...)).");
            }

            note.RowsIn = table.Rows;
            note.Detail = _binary is null ? null : $"{_binary.Count(l => l)} of {_binary.Length} are positive";
            return Task.FromResult(table);
        }).ConfigureAwait(false);
        _fingerprint = Fingerprint.Of(_table);
        Key = options.Key ?? DefinitionKey();
    }

    internal async Task<PipelineRun> MakeVersionAsync(CancellationToken cancellationToken)
    {
        await registry.StartRunAsync(
            new RunStart(RunId!, name, options.Trigger, options.Reason) { Hypothesis = options.Hypothesis, Parameters = new Dictionary<string, string> { ["seed"] = options.Seed.ToString(CultureInfo.InvariantCulture) } },
            cancellationToken).ConfigureAwait(false);
        (LabelledRows train, LabelledRows test, Split split) = await PrepareAsync().ConfigureAwait(false);
        (string best, TrainedCandidate model) = await TrainAsync(train, split, cancellationToken).ConfigureAwait(false);

        Answers answers = await log.RunAsync("evaluate", note => Task.FromResult(Evaluate(model, test, split, note))).ConfigureAwait(false);
        ChampionAnswers champion = await ChampionAsync(split, cancellationToken).ConfigureAwait(false);
        await log.RunAsync("gate", note => Task.FromResult(Decide(answers, champion, train, test, note))).ConfigureAwait(false);
        ModelVersion version = await RegisterAsync(best, model, train, test, champion.Version, cancellationToken).ConfigureAwait(false);
        return new PipelineRun(RunId!, name, RunOutcome.Of(version), _report);
    }

    /// <summary>Records an end without a version. Takes no token: that a run was cancelled is recorded too.</summary>
    internal async Task<PipelineRun> EndAsync(RunOutcome outcome, RunStatus status, string message)
    {
        _report = _report with { Steps = log.Records };
        RunRecord record = await registry.StartRunAsync(new RunStart(RunId!, name, options.Trigger, options.Reason) { Hypothesis = options.Hypothesis }, CancellationToken.None).ConfigureAwait(false);
        if (record.Status == RunStatus.Running)
        {
            await registry.EndRunAsync(new RunEnd(RunId!, status, message.Length <= 2_000 ? message : message[..2_000]) { Steps = log.Records }, CancellationToken.None).ConfigureAwait(false);
        }

        return new PipelineRun(RunId!, name, outcome, _report);
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

        Table trainRows = _table!.Take(split.Train);
        string[] columns = FeatureColumns();
        IReadOnlyList<LeakFinding> leaks = await log.RunAsync("screen", note =>
        {
            IReadOnlyList<LeakFinding> found = _binary is null ? [] : LeakageScreen.Find(trainRows, Array.ConvertAll(split.Train, i => _binary[i]), columns);
            note.Detail = found.Count == 0 ? "no column leaks the label" : string.Join("; ", found.Select(f => $"{(f.Block ? "excluded" : "look at")} {f.Column}: {f.Reason}"));
            return Task.FromResult(found);
        }).ConfigureAwait(false);
        _report = _report with { Leaks = leaks };

        ModelSchema schema = SchemaOf(trainRows, [.. columns.Except(leaks.Where(l => l.Block).Select(l => l.Column))]);
        if (schema.Inputs.Count == 0)
        {
            throw new MlopsDataException("pipeline.no_features", $"No column is left to train on: the record has {string.Join(", ", _table.Columns.Select(c => c.Name))}; those of the label, those left out, dates without DatePart and leaking ones do not count.");
        }

        var all = new LabelledRows(EncodedTable.From(_table, schema), _binary, _numbers);
        LabelledRows train = all.Take(split.Train);
        if (train.Binary is { } labels && Array.TrueForAll(labels, l => l == labels[0]))
        {
            throw new MlopsDataException("pipeline.one_class", $"All {labels.Length} training rows have the label {labels[0]}; both answers are needed to learn. Look at the label, the split and the rows that were kept aside.");
        }

        return (train, all.Take(split.Test), split);
    }

    /// <summary>Trains every candidate on a part of the training rows, compares them on the rest, and trains the best again on all of them. The test rows stay untouched.</summary>
    private async Task<(string Name, TrainedCandidate Model)> TrainAsync(LabelledRows train, Split split, CancellationToken cancellationToken)
    {
        Split inner = SplitOf(_table!, split.Train, ValidationShare, options.Seed + 1);
        LabelledRows fit = train.Take(inner.Train);
        LabelledRows validation = train.Take(inner.Test);
        using var gate = new SemaphoreSlim(Math.Max(1, Environment.ProcessorCount));
        LeaderboardRow[] rows = await Task.WhenAll(plan.Candidates.Select(async candidate =>
        {
            await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return await TryCandidateAsync(candidate.Name, candidate.Options, fit, validation, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                gate.Release();
            }
        })).ConfigureAwait(false);
        rows = [.. rows.OrderBy(r => r.Problem is not null).ThenByDescending(Quality).ThenBy(r => r.Candidate, StringComparer.Ordinal)];
        _report = _report with { Leaderboard = rows };
        if (rows[0].Problem is { } problem)
        {
            throw new MlopsModelException("pipeline.no_candidate", $"None of the {rows.Length} candidates of '{name}' could be trained. The first one, '{rows[0].Candidate}', says: {problem}");
        }

        CandidateOptions best = plan.Candidates.Find(c => c.Name == rows[0].Candidate).Options;
        TrainedCandidate final = await log.RunAsync("refit", async note =>
        {
            TrainedCandidate trained = await training.TrainAsync(rows[0].Candidate, best, train, options.Seed, cancellationToken).ConfigureAwait(false);
            (note.RowsIn, note.Outcome, note.Detail) = (train.Count, trained.FromCache ? "cached" : "ok", $"'{rows[0].Candidate}' on all training rows");
            return trained;
        }).ConfigureAwait(false);
        _models.Add(final.Model);
        return (rows[0].Candidate, final);
    }

    private async Task<LeaderboardRow> TryCandidateAsync(string candidate, CandidateOptions candidateOptions, LabelledRows fit, LabelledRows validation, CancellationToken cancellationToken)
    {
        try
        {
            return await log.RunAsync(
                "train",
                async note =>
                {
                    (note.RowsIn, note.MayFail) = (fit.Count, true);
                    long start = time.GetTimestamp();
                    TrainedCandidate trained = await training.TrainAsync(candidate, candidateOptions, fit, options.Seed, cancellationToken).ConfigureAwait(false);
                    using ILoadedModel model = trained.Model;
                    double milliseconds = trained.FromCache ? 0 : time.GetElapsedTime(start).TotalMilliseconds;
                    var row = new LeaderboardRow(candidate, Answers.Of(model, validation.Table).Evaluate(validation).Metrics, milliseconds);
                    (note.Outcome, note.Detail) = (trained.FromCache ? "cached" : "ok", Summary(row.Metrics));
                    return row;
                },
                candidate).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not (OperationCanceledException or OutOfMemoryException or MlopsStorageException))
        {
            // one candidate that fails does not end the run, whatever its trainer threw: the leaderboard says so
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
        (note.RowsIn, note.Detail) = (test.Count, Summary(evaluation.Metrics));
        _report = _report with { Evaluation = evaluation };
        return answers;
    }

    private Split SplitOf(Table table, int[] among, double share, int seed)
    {
        if (plan.SplitTime is { } time)
        {
            Column column = table[time].Take(among);
            return Split.ByTime(column as TimeColumn ?? throw new MlopsDataException("data.column_kind", $"'{time}' should be a date or time to split by; it is a {column.GetType().Name}."), share);
        }

        string[] keys = _keys is { } by ? Array.ConvertAll(among, i => by[i]) : RowKeys(table, among);
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

    /// <summary>Everything that decides what comes out: rows, labels, split and the definition. Lambdas count by what they give, for their code cannot be told apart soundly.</summary>
    private string DefinitionKey()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string part) => hash.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{part.Length}:{part};")));
        Add("definition/1");
        Add(_fingerprint.ToString());
        hash.AppendData(MemoryMarshal.AsBytes<bool>(_binary));
        hash.AppendData(MemoryMarshal.AsBytes<float>(_numbers));
        Array.ForEach(_keys ?? [], Add);
        Add(FormattableString.Invariant($"{plan.Task}/{plan.LabelName}/{plan.TestShare}/{plan.SplitTime}/{options.Seed}/{plan.OnlyColumns is null}"));
        IEnumerable<string>[] lists =
        [
            plan.LabelColumns.Order(StringComparer.Ordinal),
            plan.WithoutColumns.Order(StringComparer.Ordinal),
            (plan.OnlyColumns ?? []).Order(StringComparer.Ordinal),
            plan.DateParts.Select(d => $"{d.Column}.{d.Part}"),
            plan.Slices,
            plan.Gates.Select(g => g.Text),
            plan.GoalCriteria.Select(c => c.Text).Prepend(plan.Goal ?? string.Empty),
            plan.Candidates.SelectMany(c => c.Options.Describe().SelectMany(o => new[] { o.Key, o.Value }).Prepend(FormattableString.Invariant($"{c.Options.GetType().FullName}/{c.Options.Version}")).Prepend(c.Name)),
        ];
        foreach (string[] list in lists.Select(l => l.ToArray()))
        {
            Add(FormattableString.Invariant($"{list.Length}"));
            Array.ForEach(list, Add);
        }

        return Digest.FromHash(hash.GetHashAndReset()).ToString();
    }

    private static string Summary(IReadOnlyDictionary<string, MetricValue> metrics) => string.Join(", ", metrics.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Key} {m.Value.Value:0.000}")));

    private double Quality(LeaderboardRow row) =>
        row.Metrics.TryGetValue(plan.Task == ModelTask.Binary ? "auc" : "mae", out MetricValue? metric) ? plan.Task == ModelTask.Binary ? metric.Value : -metric.Value : double.NegativeInfinity;
}
