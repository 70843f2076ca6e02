using Vmem.Testing.Generation;
using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

public sealed partial class ArenaDriver
{
    private int _fence;

    /// <summary>Frees something later, right or wrong, by address or by handle.</summary>
    private void FreeLater(in ArenaStep step)
    {
        bool isByFence = step.Kind == StepKind.FreeAt;
        int delay = step.Value % 6;
        int fence = Math.Max(0, _fence + (step.Value % 7) - 2);
        ModelAllocation target = _model.LiveCount == 0 ? default : _model.LiveAt(step.Target % _model.LiveCount);
        bool isWrong = target.Size == 0 || step.Flavor == 7;
        if (!isWrong && target.Handle >= 0 && step.Flavor % 2 == 1)
        {
            Agree($"{step.Kind}(handle {target.Handle})", Outcome.Done(), _arena.FreeHandleLater(target.Handle, delay, isByFence ? fence : -1));
            FollowRest(target.Start, delay, isByFence ? fence : -1);
            return;
        }

        int start = isWrong ? step.Value : target.Start;
        int size = isWrong ? step.Size : Math.Max(1, target.Size - (step.Flavor * (_model.Quantum - 1) / 8));
        Outcome expected = _model.JudgeFree(start, size);
        Agree($"{step.Kind}({start}, {size})", expected, Reasoned(_arena.FreeLater(start, size, delay, isByFence ? fence : -1), expected));
        if (expected.Kind == OutcomeKind.Done)
        {
            FollowRest(start, delay, isByFence ? fence : -1);
        }
    }

    private void FollowRest(int start, int delay, int fence)
    {
        int handle = _model.HandleAt(start);
        _model.Rest(start, delay, fence);
        _state.Frees++;
        if (handle >= 0)
        {
            _isHandleLive[handle] = false;
        }
    }

    private void LetTimePass(in ArenaStep step)
    {
        if (step.Kind == StepKind.Advance)
        {
            _model.Advance(step.Count % 4);
            _arena.Advance(step.Count % 4);
        }
        else
        {
            _fence = Math.Max(0, _fence + step.Count - 2);
            _model.CompleteFence(_fence);
            _arena.CompleteFence(_fence);
        }
    }
}
