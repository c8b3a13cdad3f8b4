using System.Diagnostics;
using Mlops.Sdk.Serving;

namespace Mlops.Sdk.Compilation.Tests;

/// <summary>ML.NET adds in another order on another processor; so must the compiled models.</summary>
public sealed class ProcessorTests
{
    [Theory]
    [InlineData("DOTNET_EnableAVX")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public async Task A_process_without_vector_instructions_finds_the_same_bits_too(string switchedOff)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            Environment = { [switchedOff] = "0" },
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ProcessorTests).Assembly.Location);
        }

        start.ArgumentList.Add("--filter-class");
        start.ArgumentList.Add(typeof(ProcessorBits).FullName!);
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output);
        Assert.Contains($"succeeded: {ProcessorBits.Names.Length}", output, StringComparison.Ordinal);
    }
}

public sealed class ProcessorBits
{
    internal static readonly string[] Names = ["lightgbm-missing", "lbfgs", "lbfgs-wide", "lbfgs-sparse-weights", "sdca-dense"];

    public static TheoryData<string> Models => [.. Names];

    [Theory]
    [MemberData(nameof(Models))]
    public void This_process_finds_the_same_bits(string name)
    {
        (TestData data, ILoadedModel model) = Trained.Get(name);
        CompiledResult compiled = ProgramCompiler.TryCompile(model, model.Program, data.Probes(100));
        Assert.Null(compiled.Problem);
        EqualBitsTests.AssertEqualBits(model, compiled.Model, data, hostile: 2_000);
    }
}
