using System.Globalization;
using System.Text;
using Mlops.Sdk.Samples.DriftGate;

namespace Mlops.Sdk.Integration.Tests;

/// <summary>Runs the gate as a build would: as a program, by its exit code and what it prints.</summary>
public sealed class DriftGateTests
{
    [Fact]
    public async Task It_passes_like_rows_and_fails_drift_with_names_and_a_page()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["reference.csv"], Csv(1, 2000));
        await File.WriteAllTextAsync(folder["like.csv"], Csv(2, 800));
        await File.WriteAllTextAsync(folder["moved.csv"], Csv(3, 800, speed: 25, city: "New City"));

        (int code, string output) = await RunAsync(folder, "reference.csv", "like.csv");
        Assert.True(code == 0, output);
        Assert.StartsWith("like.csv against reference.csv v1: fine", output, StringComparison.Ordinal);

        (code, output) = await RunAsync(folder, "reference.csv", "moved.csv", "--html", "report.html", "--json", "report.json");
        Assert.True(code == 1, output);
        Assert.Contains("speed", output, StringComparison.Ordinal);
        Assert.Contains("DRIFTED", output, StringComparison.Ordinal);
        string page = await File.ReadAllTextAsync(folder["report.html"]);
        Assert.StartsWith("<!doctype html>", page, StringComparison.Ordinal);
        Assert.Contains("<figcaption>speed", page, StringComparison.Ordinal);
        Assert.DoesNotContain("New City", page, StringComparison.Ordinal); // a window counts what is unseen and keeps no name of it
        Assert.StartsWith("{", await File.ReadAllTextAsync(folder["report.json"]), StringComparison.Ordinal);

        (code, output) = await RunAsync(folder, "reference.csv", "moved.csv", "--ignore", "speed", "--ignore", "city");
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task It_fails_a_changed_unit_a_lost_column_and_texts_among_numbers()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["reference.csv"], Csv(1, 2000));
        await File.WriteAllTextAsync(folder["unit.csv"], Csv(2, 800, factor: 0.001));
        string[] lines = Csv(2, 800).TrimEnd('\n').Split('\n');
        await File.WriteAllLinesAsync(folder["lost.csv"], lines.Select(l => l[..l.LastIndexOf(',')]));
        await File.WriteAllLinesAsync(folder["texts.csv"], lines.Select((l, i) => i % 100 == 50 ? "n/a" + l[l.IndexOf(',', StringComparison.Ordinal)..] : l));
        foreach ((string file, string said) in ((string, string)[])[("unit.csv", "another unit or scale: x 0.001"), ("lost.csv", "'height' is not there in service"), ("texts.csv", "8 of 800 values do not read as a number, such as 'n/a'")])
        {
            Assert.True(await FailsAsync(folder, file, said), file);
        }
    }

    [Fact]
    public async Task Wrong_use_and_files_that_do_not_read_end_with_2()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["a.csv"], "x\n1\n");
        await File.WriteAllBytesAsync(folder["broken.csv"], [0x78, 0x0a, 0xff, 0xfe, 0x00]);
        string[][] wrong = [[], ["a.csv"], ["a.csv", "a.csv", "a.csv"], ["a.csv", "a.csv", "--html"], ["a.csv", "a.csv", "--what", "x"], ["a.csv", "none.csv"], ["a.csv", "broken.csv"]];
        foreach (string[] arguments in wrong)
        {
            (int code, string output) = await RunAsync(folder, arguments);
            Assert.True(code == 2, $"{string.Join(' ', arguments)}: {code} {output}");
            Assert.NotEmpty(output);
        }
    }

    private static async Task<bool> FailsAsync(TemporaryFolder folder, string file, string said)
    {
        (int code, string output) = await RunAsync(folder, "reference.csv", file);
        Assert.Contains(said, output, StringComparison.Ordinal);
        return code == 1;
    }

    private static async Task<(int Code, string Output)> RunAsync(TemporaryFolder folder, params string[] arguments)
    {
        await using ProgramUnderTest gate = ProgramUnderTest.StartAssembly(typeof(GateArguments), folder.Path, arguments);
        int code = await gate.EndAsync();
        return (code, gate.Output + gate.Errors);
    }

    private static string Csv(int seed, int rows, double speed = 0, string? city = null, double factor = 1)
    {
        var random = new Random(seed);
        var csv = new StringBuilder("speed,city,height\n");
        for (int i = 0; i < rows; i++)
        {
            double bell = Enumerable.Range(0, 6).Sum(_ => random.NextDouble()) - 3;
            string where = random.NextDouble() < 0.5 && city is not null ? city : random.NextDouble() < 0.6 ? "Oslo" : "Bern";
            csv.Append(CultureInfo.InvariantCulture, $"{100 + speed + (20 * bell):0.000},{where},{-1000 * Math.Log(1 - random.NextDouble()) * factor:0.000000}\n");
        }

        return csv.ToString();
    }
}
