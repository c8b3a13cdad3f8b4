// Predicts without pause while another process promotes: every answer is checked, to the bit, against what its version answers.
//   Worker FOLDER COUNT
//   Worker registry FOLDER NAME     registers versions and moves aliases until it is killed; see RegistryWriter
//   Worker count FOLDER TASKS EACH  moves an alias on by one, again and again, from several workspaces at once; see AliasCounter
//   Worker churn FOLDER NAME TASKS  registers and deletes versions until it is told that it is enough; see VersionChurner
//   Worker usage FOLDER EACH        counts calls and writes them every EACH calls until it is killed; see UsageCounter
//   Worker collect FOLDER           collects unused artifacts until it is told that it is enough; see VersionChurner
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk;
using Mlops.Sdk.Integration.Worker;
using Mlops.Sdk.Serving;

if (args[0] == "registry")
{
    await RegistryWriter.RunAsync(args[1], args[2]);
    return 0;
}

if (args[0] == "count")
{
    await AliasCounter.RunAsync(args[1], int.Parse(args[2], CultureInfo.InvariantCulture), int.Parse(args[3], CultureInfo.InvariantCulture));
    return 0;
}

if (args[0] == "churn")
{
    await VersionChurner.ChurnAsync(args[1], args[2], int.Parse(args[3], CultureInfo.InvariantCulture));
    return 0;
}

if (args[0] == "usage")
{
    await UsageCounter.RunAsync(args[1], int.Parse(args[2], CultureInfo.InvariantCulture));
    return 0;
}

if (args[0] == "collect")
{
    await VersionChurner.CollectAsync(args[1]);
    return 0;
}

int count = int.Parse(args[1], CultureInfo.InvariantCulture);
await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(args[0], m => m.Services.Configure<MlopsOptions>(o => o.PollInterval = TimeSpan.FromMilliseconds(20)));
var expected = new Dictionary<int, float[]>();
foreach (int version in new[] { 1, 2 })
{
    IPredictor<House, Quote> pinned = await mlops.ServeAsync<House, Quote>("houses", ServedModelOptions.Pin(version));
    expected[version] = [.. HousePrices.Questions.Select(q => pinned.Predict(q).Value.Score)];
}

IPredictor<House, Quote> predictor = await mlops.ServeAsync<House, Quote>("houses");
Task<string?> told = Task.Run(Console.ReadLine); // the console has no asynchronous read
long calls = 0;
long wrong = 0;
int swaps = -1;
int last = 0;
while (calls < count || !told.IsCompleted)
{
    for (int i = 0; i < HousePrices.Questions.Count; i++, calls++)
    {
        Prediction<Quote> answer = predictor.Predict(HousePrices.Questions[i]);
        wrong += BitConverter.SingleToInt32Bits(expected[answer.Version][i]) == BitConverter.SingleToInt32Bits(answer.Value.Score) ? 0 : 1;
        if (answer.Version != last)
        {
            last = answer.Version;
            Console.WriteLine($"swap {++swaps} to {last}");
        }
    }
}

Console.WriteLine($"calls {calls} wrong {wrong}");
return wrong == 0 ? 0 : 1;
