// The whole life of a model in one process, on real data: the FAA's reports of birds that were hit by aircraft, 1990 to 2002.
using Mlops.Sdk;
using Mlops.Sdk.Pipelines;
using Mlops.Sdk.Samples.Quickstart;

string folder = args.Length > 0 ? args[0] : "mlops-data";
await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(folder);
PipelineRun run = await mlops.RunAsync(new StrikeDamage(Mlops.Sdk.Data.DataSource.Where(Mlops.Sdk.Data.DataSource.Csv<Strike>(Path.Combine(AppContext.BaseDirectory, "birdstrikes.csv.gz")), s => s.FlightDate.Year < 1997, "before 1997")), "first model", key: "until-1997");
Console.WriteLine(run.Outcome);
foreach (LeaderboardRow row in run.Report.Leaderboard) Console.WriteLine($"{row.Candidate} {row.Metrics.GetValueOrDefault("auc")} {row.Milliseconds:0} {row.Problem}");
foreach (StepRecord row in run.Report.Steps) Console.WriteLine($"{row.Name} {row.Outcome} {row.Milliseconds:0}");
foreach (GateResult g in run.Report.Gates) Console.WriteLine($"{g.Name} {g.Passed} {g.Message}");
foreach (var g in run.Report.Leaks) Console.WriteLine($"{g.Column} {g.Block} {g.Reason}");
foreach (var g in run.Report.Evaluation?.Metrics ?? new Dictionary<string, MetricValue>()) Console.WriteLine($"{g.Key} {g.Value}");
